"""Debian's packages of one suite in a folder of their own: nothing is installed and no maintainer script runs.

apt does the work that it does best, with its state kept apart from the machine's: the suite's index is checked
against Debian's signature, dependencies are resolved as if nothing were installed, and each package is checked
against the SHA-256 of the signed index. :class:`DebianError` says what did not work.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Where packages come from unless told otherwise. The security archive is beside it.
MIRROR = "http://deb.debian.org/debian"
#: Signs the indexes of all suites; Debian's package debian-archive-keyring has it, Ubuntu's too.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: What is measured is the amd64 build of QEMU; its targets are many.
ARCHITECTURE = "amd64"
LIMIT = 900.0  # seconds for one command; a download of 300 MB on a slow line

_INSTALLED = re.compile(r"^Inst (\S+) \((\S+) ", re.MULTILINE)


class DebianError(Exception):
    """apt or dpkg did not do what was asked; the message is the end of what it said."""


@dataclass(frozen=True)
class Package:
    """A binary package in one version, as Debian writes both."""

    name: str
    version: str


def _run(argv: Sequence[str], cwd: Path) -> str:
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DebianError(f"{argv[0]}: {error}") from None
    if done.returncode != 0:
        raise DebianError(f"{' '.join(argv[:1])}: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


class Suite:
    """One suite (``bookworm``, ``sid``) as apt sees it from ``folder``, which is made and may be thrown away."""

    def __init__(self, name: str, folder: Path, mirror: str = MIRROR) -> None:
        self.name = name
        self.folder = folder.absolute()
        if not KEYRING.is_file():
            raise DebianError(f"{KEYRING} is missing; the package debian-archive-keyring has it.")
        for part in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d", "debs"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "state/status").touch()
        signed = f"[arch={ARCHITECTURE} signed-by={KEYRING}]"
        lines = [f"deb {signed} {mirror} {name} main"]
        if name != "sid":
            lines += [f"deb {signed} {mirror} {name}-updates main"]
            lines += [f"deb {signed} {mirror}-security {name}-security main"]
        (self.folder / "etc/sources.list").write_text("\n".join(lines) + "\n")

    def _apt(self, tool: str, *arguments: str) -> str:
        options = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "state/status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc": self.folder / "etc",
            "APT::Architecture": ARCHITECTURE,
            "APT::Architectures": ARCHITECTURE,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",  # the folder may be closed to apt's own user
            "Acquire::Languages": "none",
            # A suite of old is not signed afresh; its packages are what they were.
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Retries": "3",
        }
        argv = [tool, "-q"]
        for name, value in options.items():
            argv += ["-o", f"{name}={value}"]
        return _run([*argv, *arguments], self.folder / "debs")

    def update(self) -> None:
        """Fetch the index and check its signature."""
        self._apt("apt-get", "update", "-o", "APT::Update::Error-Mode=any")

    def has(self, package: str) -> bool:
        """Whether the suite has a package of this name."""
        return package in self._apt("apt-cache", "pkgnames", package).split()

    def closure(self, names: Collection[str], without: Collection[str] = ()) -> tuple[Package, ...]:
        """The packages and all that they depend on, in order of name; those named in ``without`` are left out."""
        plan = self._apt("apt-get", "install", "--simulate", *sorted(names))
        found = {Package(name.split(":")[0], version) for name, version in _INSTALLED.findall(plan)}
        return tuple(sorted((p for p in found if p.name not in without), key=lambda p: p.name))

    def unpack(self, packages: Collection[Package], root: Path) -> None:
        """Download ``packages`` and unpack them into the new folder ``root``."""
        self._apt("apt-get", "download", *(f"{one.name}={one.version}" for one in packages))
        # As on every Debian since 12; older packages still have files in /lib.
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
        for name in ("proc", "dev", "tmp", "etc", "run"):
            (root / name).mkdir()
        for package in packages:
            unpack_package(self._file_of(package), root)

    def _file_of(self, package: Package) -> Path:
        version = package.version.replace(":", "%3a")
        found = sorted((self.folder / "debs").glob(f"{package.name}_{version}_*.deb"))
        if len(found) != 1:
            raise DebianError(f"apt-get: {package.name} {package.version} did not arrive")
        return found[0]


def unpack_package(deb: Path, root: Path) -> None:
    """Unpack the files of one package, following the links of a merged /usr."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as unpacking:
        done = subprocess.run(
            [
                *("tar", "--extract", "--keep-directory-symlink", "--no-same-owner", "--no-same-permissions"),
                *("--delay-directory-restore", "--directory", str(root)),
            ],
            stdin=unpacking.stdout,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    if unpacking.returncode != 0 or done.returncode != 0:
        raise DebianError(f"{deb.name} could not be unpacked: {done.stderr.strip()[-400:]}")
