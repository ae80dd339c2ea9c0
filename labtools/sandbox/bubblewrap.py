"""The sandbox: what a program sees, and whether this machine can make one.

Inside there is `/usr` (read-only), the image at `/image` (read-only), an empty `/tmp`, `/dev/null` and
`/dev/urandom`; no `/etc` beyond the linker's cache, no `/proc`, no `/home`, no network, no other process. The
program has no capability, cannot make user namespaces, and its kernel limits allow no file to grow by a byte;
where a folder to write to is given, no file there may grow beyond `Limits.file_bytes`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .runner import Finished, Limits, ProgramMissing, find_program, run_bounded

#: Where the image is seen inside the sandbox. Fixed, so that no name chosen by a person reaches a command
#: line.
IMAGE = "/image"
#: Where a program from outside `/usr` is seen inside the sandbox.
PROGRAM = "/program"
#: Where the folder that a command may write to is seen inside the sandbox.
FOLDER = "/work"

_NOBODY = "65534"
# The shell's own remarks ("Aborted") go to /dev/null, so that stderr holds the program's words alone.
_FIRST_PROCESS = 'exec 3>&2 2>/dev/null; (exec "$@" 2>&3 3>&-); exit $?'
_FIRST_PROCESS_MERGED = '(exec "$@" 2>&1); exit $?'
_TRIAL_LIMITS = Limits(wall_seconds=10, cpu_seconds=5, stdout_bytes=4096, stderr_bytes=4096)


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether sandboxes can be made here; `reason` is a sentence for the operator when not, else empty.

    `disables_userns`: whether bubblewrap can also forbid further user namespaces inside (`--disable-userns`). That
    takes a namespace within the namespace, which AppArmor on Ubuntu 24.04 may refuse even where it allows the first;
    it then refuses a program inside just the same.
    """

    ok: bool
    reason: str = ""
    disables_userns: bool = True


def sandbox_argv(
    command: Sequence[str],
    *,
    limits: Limits,
    image: Path | None = None,
    program: Path | None = None,
    folder: Path | None = None,
    merge_output: bool = False,
    disable_userns: bool = True,
) -> list[str]:
    """The command line that runs `command` in a sandbox under `limits`.

    `image` is bound at :data:`IMAGE`, `program` (for one outside `/usr`) at :data:`PROGRAM`, both read-only;
    `folder` at :data:`FOLDER`, where the command then starts and may write. All are paths that the server chose.
    With `merge_output` what the command says on stderr comes on stdout, in the order of a terminal; stderr is then
    bubblewrap's alone. `command[0]` is a path inside the sandbox. Raises
    :class:`~labtools.sandbox.runner.ProgramMissing` when bubblewrap or util-linux is missing.
    """
    binds: list[str] = []
    if image is not None:
        binds += ["--ro-bind", os.fspath(image.resolve(strict=True)), IMAGE]
    if program is not None:
        binds += ["--ro-bind", os.fspath(program.resolve(strict=True)), PROGRAM]
    if folder is not None:
        binds += ["--bind", os.fspath(folder.resolve(strict=True)), FOLDER]
    first = _FIRST_PROCESS_MERGED if merge_output else _FIRST_PROCESS
    # fmt: off
    return [
        find_program("bwrap"),
        "--unshare-all", "--unshare-user", *(["--disable-userns"] if disable_userns else []),
        "--die-with-parent", "--new-session", "--clearenv",
        "--setenv", "LC_ALL", "C.UTF-8",
        # One malloc arena: otherwise each thread reserves 64 MiB of the address space that RLIMIT_AS counts.
        "--setenv", "MALLOC_ARENA_MAX", "1",
        "--setenv", "HOME", "/tmp",  # noqa: S108
        "--uid", _NOBODY, "--gid", _NOBODY, "--cap-drop", "ALL", "--hostname", "sandbox",
        *_system_binds(),
        "--dev-bind", "/dev/null", "/dev/null",
        "--dev-bind", "/dev/urandom", "/dev/urandom",
        *binds,
        "--size", "1048576", "--tmpfs", "/tmp",  # noqa: S108 — a fresh mount inside the sandbox
        "--remount-ro", "/", "--chdir", FOLDER if folder is not None else "/tmp",  # noqa: S108
        # A shell is the first process: when it ends, the kernel ends all others in the sandbox before bubblewrap
        # sees it go. bubblewrap's own first process would outlive bubblewrap and be left for init to reap.
        "--as-pid-1", "--", find_program("sh"), "-c", first, "sh",
        *_prlimit_argv(limits), *command,
    ]
    # fmt: on


def _system_binds() -> list[str]:
    """Programs and libraries, and nothing else of the system."""
    argv = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        path = Path(name)
        if path.is_symlink():
            argv += ["--symlink", os.fspath(path.readlink()), name]
        elif path.is_dir():
            argv += ["--ro-bind", name, name]
    return [*argv, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]


def _prlimit_argv(limits: Limits) -> list[str]:
    """Kernel limits, set inside the sandbox: there RLIMIT_NPROC counts its processes alone (Linux 5.14)."""
    return [
        find_program("prlimit"),
        # Soft before hard: SIGXCPU first, which names the reason; SIGKILL a second later for who ignores it.
        f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}",
        f"--as={limits.memory_bytes}",
        f"--fsize={limits.file_bytes}",
        "--core=0",
        f"--nofile={limits.open_files}",
        f"--nproc={limits.processes}",
        "--",
    ]


_lock = threading.Lock()
_known_good: Availability | None = None


def is_available() -> Availability:
    """Whether a sandbox can be made here, found out by making one.

    A success is remembered for the life of the process. A failure is tried again at the next call, so that
    a worker need not be restarted once the operator has mended it.
    """
    global _known_good
    with _lock:
        if _known_good is None:
            availability = _try(disable_userns=True)
            if not availability.ok:
                availability = _try(disable_userns=False)
            if not availability.ok:
                return availability
            _known_good = availability
        return _known_good


def _try(*, disable_userns: bool) -> Availability:
    try:
        argv = sandbox_argv([find_program("true")], limits=_TRIAL_LIMITS, disable_userns=disable_userns)
        finished = run_bounded(argv, limits=_TRIAL_LIMITS)
    except ProgramMissing as missing:
        package = "bubblewrap" if "bwrap" in str(missing) else "util-linux"
        return Availability(False, f"{missing}. Install the package {package}.")
    if finished.exit_code == 0:
        return Availability(ok=True, disables_userns=disable_userns)
    return Availability(False, explain_failure(finished, _read_setting))


def failed_to_start(finished: Finished) -> bool:
    """True when bubblewrap or prlimit gave up before the program ran."""
    return finished.exit_code not in (0, None) and finished.stderr.startswith((b"bwrap: ", b"prlimit: "))


def explain_failure(finished: Finished, read_setting: Callable[[str], str | None]) -> str:
    """A sentence that names what keeps bubblewrap from working, with the way to mend it.

    `read_setting` returns a kernel setting by its path below `/proc/sys`, or None.
    """
    said = finished.stderr.decode("utf-8", "replace").strip()[:300]
    if read_setting("user/max_user_namespaces") == "0":
        return (
            "User namespaces are switched off here. Set the kernel setting user.max_user_namespaces above 0."
        )
    if os.geteuid() != 0 and read_setting("kernel/unprivileged_userns_clone") == "0":
        return (
            "User namespaces are switched off for ordinary users here. "
            "Set the kernel setting kernel.unprivileged_userns_clone to 1."
        )
    if os.geteuid() != 0 and read_setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor restricts user namespaces here, as Ubuntu 24.04 does by default. Allow them for "
            "bubblewrap: install the package apparmor-profiles, copy "
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict to /etc/apparmor.d/, "
            "then run apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict as root."
        )
    if not said:
        return f"bubblewrap could not make a sandbox and gave no reason ({finished.ended_because})."
    return (
        f"bubblewrap could not make a sandbox: {said}. "
        "In a container, it must be allowed to make user namespaces and mounts."
    )


def _read_setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None
