"""A folder with a whole QEMU of another version in it, and how to ask it: a second host without a second machine."""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from pathlib import Path

from labtools.labhost import labprobe

from .debian import DebianError, Package, Suite

#: Debian's programs for each target that the references have.
BINARIES = {
    "x86_64": "/usr/bin/qemu-system-x86_64",
    "aarch64": "/usr/bin/qemu-system-aarch64",
    "ppc64": "/usr/bin/qemu-system-ppc64",
    "s390x": "/usr/bin/qemu-system-s390x",
    "riscv64": "/usr/bin/qemu-system-riscv64",
}
LABPROBE = Path(labprobe.__file__)
_LIMIT = labprobe.DEADLINE + 2 * labprobe.ANSWER_LIMIT


def keep_binaries(root: Path, targets: Collection[str]) -> None:
    """Remove every QEMU of ``root`` but those of ``targets``, so that labprobe finds no others."""
    kept = {root / BINARIES[target].lstrip("/") for target in targets}
    for folder in ("usr/bin", "usr/libexec"):  # Debian's qemu-system-i386 is a wrapper in front of libexec's
        for path in (root / folder).glob("qemu-system-*"):
            if path not in kept:
                path.unlink()
    missing = [path.name for path in kept if not path.is_file()]
    if missing:
        raise DebianError(f"the packages have no {', '.join(sorted(missing))}")


def inside(root: Path, *command: str) -> list[str]:
    """The argument list that runs ``command`` with ``root`` as its whole file system, read-only and without network.

    The machine's /dev/kvm is not in there, nor its processes, files and environment.
    """
    return [
        "bwrap",
        *("--ro-bind", str(root.absolute()), "/"),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"),  # noqa: S108 - inside
        *("--ro-bind", str(LABPROBE), "/run/labprobe.py"),
        *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv"),
        *("--setenv", "PATH", "/usr/bin", "--setenv", "LC_ALL", "C.UTF-8"),
        *command,
    ]


def labprobe_command(root: Path) -> list[str]:
    """The argument list that prints the document of the QEMUs in ``root``, as an SSH key's forced command would."""
    return inside(root, "/usr/bin/python3", "-B", "/run/labprobe.py")


def probe(root: Path) -> bytes:
    """Return labprobe's document of ``root``; :class:`DebianError` with its words if it prints none."""
    try:
        done = subprocess.run(
            labprobe_command(root), stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DebianError(f"labprobe: {error}") from None
    if done.returncode != 0:
        raise DebianError(f"labprobe: {done.stderr.decode(errors='replace')[-800:]}")
    return done.stdout


def make_root(
    suite: Suite, root: Path, packages: Collection[str], without: Collection[str] = ()
) -> tuple[Package, ...]:
    """Unpack ``packages`` of ``suite``, what they need and Python for labprobe into the new folder ``root``.

    Returns what was unpacked. Packages named in ``without`` are left out even where others depend on them.
    """
    closure = suite.closure([*packages, "python3"], without)
    suite.unpack(closure, root)
    return closure
