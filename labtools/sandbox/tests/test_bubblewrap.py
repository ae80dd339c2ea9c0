"""What a program can and cannot do inside the sandbox, tried from inside."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labtools.sandbox import Availability, EndedBecause, Finished, Limits, ProgramMissing, is_available
from labtools.sandbox import bubblewrap as module
from labtools.sandbox.bubblewrap import explain_failure, failed_to_start, sandbox_argv
from labtools.sandbox.runner import find_program, run_bounded

from .images import create
from .processes import new_marker, running

LIMITS = Limits(wall_seconds=20)


def inside(script: str, *, image: Path | None = None, limits: Limits = LIMITS) -> Finished:
    """Run a script of bash in the sandbox in which qemu-img runs."""
    return run_bounded(
        sandbox_argv(["/usr/bin/bash", "-c", script], limits=limits, image=image), limits=limits
    )


def text(finished: Finished) -> str:
    assert finished.exit_code == 0, finished
    return finished.stdout.decode()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(b"the only file")
    return path


def test_sandbox_can_be_made_here() -> None:
    assert is_available() == Availability(ok=True, disables_userns=True)


def test_it_sees_programs_the_image_and_nothing_else(image: Path) -> None:
    system = {name for name in ("bin", "sbin", "lib", "lib32", "lib64") if Path("/", name).exists()}

    assert set(text(inside("ls -A /", image=image)).split()) == {"usr", "dev", "etc", "tmp", "image"} | system
    assert text(inside("ls -A /etc")).split() == ["ld.so.cache"]
    assert text(inside("ls -A /dev")).split() == ["null", "urandom"]
    assert text(inside("ls -A /tmp")) == ""
    assert text(inside("cat /image", image=image)) == "the only file"


@pytest.mark.parametrize("path", ["/etc/passwd", "/home", "/root", "/proc", "/sys", "/var", "/run", "/work"])
def test_it_does_not_see_the_host(path: str) -> None:
    assert inside(f"test -e {path}").exit_code == 1


def test_it_does_not_see_the_directory_of_the_image(image: Path) -> None:
    assert inside(f"test -e {image.parent}", image=image).exit_code == 1


@pytest.mark.parametrize("path", ["/probe", "/usr/probe", "/etc/probe", "/dev/probe", "/image"])
def test_it_can_write_to_no_place(image: Path, path: str) -> None:
    finished = inside(f"echo x >> {path}", image=image)

    assert finished.exit_code == 1
    assert b"Read-only file system" in finished.stderr
    assert image.read_bytes() == b"the only file"


def test_no_file_grows_even_where_it_may_be_made() -> None:
    finished = inside("echo x > /tmp/probe")

    assert finished.signal == 25  # SIGXFSZ: RLIMIT_FSIZE is 0


def test_it_cannot_reach_a_server_on_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}"

        assert subprocess.run(["/usr/bin/bash", "-c", connect], check=False).returncode == 0
        assert inside(connect).exit_code == 1


def test_it_is_nobody_without_powers() -> None:
    assert text(inside("id -u; id -g; hostname")).split() == ["65534", "65534", "sandbox"]
    assert inside("mount -t tmpfs none /tmp").exit_code != 0
    # No namespace inside the namespace: the shortest way to a kernel's weak spots stays shut.
    assert inside("unshare --user /usr/bin/true").exit_code != 0


def test_it_has_no_environment_of_the_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")

    names = {line.split("=")[0] for line in text(inside("/usr/bin/env")).splitlines()}

    assert names <= {"HOME", "LC_ALL", "MALLOC_ARENA_MAX", "PWD", "OLDPWD", "SHLVL", "_"}


def test_kernel_limits_are_the_given_ones() -> None:
    limits = Limits(cpu_seconds=7, memory_bytes=512 * 2**20, open_files=33, processes=44)

    said = text(inside("ulimit -S -t -v -n -u -f -c; ulimit -H -t", limits=limits))

    values = [int(value) for value in re.findall(r"(\d+)$", said, flags=re.MULTILINE)]
    assert values == [7, 512 * 1024, 33, 44, 0, 0, 8]


def test_processor_time_is_limited() -> None:
    finished = inside("while :; do :; done", limits=Limits(wall_seconds=20, cpu_seconds=1))

    assert finished.ended_because is EndedBecause.CPU
    assert finished.seconds < 15


def test_orphans_in_another_session_die_with_the_sandbox() -> None:
    marker = new_marker()

    finished = inside(f"setsid sleep {marker} & sleep 0.3; echo done")

    assert text(finished) == "done\n"
    assert running(marker) == []


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """A directory that an ordinary user may enter, unlike pytest's own under root."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_an_ordinary_user_can_check_an_image(public_directory: Path) -> None:
    image = create(public_directory / "image", "1M")
    image.chmod(0o644)
    become = (
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] if os.geteuid() == 0 else []
    )
    argv = sandbox_argv(["/usr/bin/qemu-img", "check", "-f", "qcow2", "/image"], limits=LIMITS, image=image)

    finished = run_bounded([*become, *argv], limits=LIMITS)

    assert text(finished).startswith("No errors were found on the image.")


def test_an_image_that_is_gone_cannot_be_bound(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sandbox_argv(["true"], limits=LIMITS, image=tmp_path / "gone")


def test_a_sandbox_that_could_not_be_made_is_told_from_a_failed_program() -> None:
    argv = sandbox_argv(["/usr/bin/true"], limits=LIMITS)
    at = argv.index("--ro-bind")
    broken = [*argv[:at], "--ro-bind", "/no/such/path", "/x", *argv[at:]]

    assert failed_to_start(run_bounded(broken, limits=LIMITS))
    assert not failed_to_start(inside("echo qemu-img: no >&2; exit 1"))
    assert not failed_to_start(inside("exit 0"))


@pytest.mark.parametrize(("program", "package"), [("bwrap", "bubblewrap"), ("prlimit", "util-linux")])
def test_missing_program_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, program: str, package: str
) -> None:
    monkeypatch.setattr(module, "_known_good", None)
    real = find_program

    def find(name: str) -> str:
        if name == program:
            raise ProgramMissing(f"{name} is not installed")
        return real(name)

    monkeypatch.setattr(module, "find_program", find)

    assert is_available() == Availability(
        False, f"{program} is not installed. Install the package {package}."
    )


def test_failure_is_tried_again_and_success_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each failure is two trials: with and without --disable-userns.
    answers = [Availability(False, "not yet"), Availability(False, "not yet"), Availability(True)]
    monkeypatch.setattr(module, "_known_good", None)
    monkeypatch.setattr(module, "_try", lambda *, disable_userns: answers.pop(0))

    assert [is_available().ok for _ in range(4)] == [False, True, True, True]
    assert answers == []


def test_sandbox_is_made_without_disable_userns_where_that_alone_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = run_bounded

    def run(argv: list[str], *, limits: Limits) -> Finished:
        return refused() if "--disable-userns" in argv else real(argv, limits=limits)

    monkeypatch.setattr(module, "_known_good", None)
    monkeypatch.setattr(module, "run_bounded", run)

    assert is_available() == Availability(ok=True, disables_userns=False)
    assert "--disable-userns" not in sandbox_argv(["true"], limits=LIMITS, disable_userns=False)


def refused(stderr: bytes = b"bwrap: setting up uid map: Permission denied\n") -> Finished:
    return Finished(1, None, b"", stderr, False, False, 0.0, EndedBecause.EXIT)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"user/max_user_namespaces": "0"}, "user.max_user_namespaces above 0"),
        ({"kernel/unprivileged_userns_clone": "0"}, "kernel.unprivileged_userns_clone to 1"),
        (
            {"kernel/apparmor_restrict_unprivileged_userns": "1"},
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict to /etc/apparmor.d/",
        ),
        ({}, "bubblewrap could not make a sandbox: bwrap: setting up uid map: Permission denied"),
    ],
)
def test_reason_names_the_setting_that_forbids_it(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], named: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert named in explain_failure(refused(), settings.get)


def test_settings_for_ordinary_users_are_no_reason_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    settings = {"kernel/unprivileged_userns_clone": "0", "kernel/apparmor_restrict_unprivileged_userns": "1"}

    reason = explain_failure(refused(b"bwrap: Creating new namespace failed"), settings.get)

    assert "Creating new namespace failed. In a container" in reason


def test_silent_failure_has_a_sentence_too() -> None:
    assert explain_failure(refused(b""), lambda _name: None) == (
        "bubblewrap could not make a sandbox and gave no reason (exit)."
    )
