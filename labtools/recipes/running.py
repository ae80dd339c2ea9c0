"""Run the blocks of one article, in order, in one private folder that ends with the run."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labtools.sandbox import (
    SAMPLES,
    EndedBecause,
    Finished,
    Limits,
    ProgramMissing,
    SandboxUnavailable,
    make_sample,
    qemu_img_version,
    run_bounded,
    run_in_folder,
    visible_bytes,
)

from .documents import check_document
from .steps import Refused, Step, build_argv
from .templates import Place

MIB = 1024 * 1024
#: Of one command.
LIMITS = Limits(
    wall_seconds=20,
    cpu_seconds=10,
    memory_bytes=2048 * MIB,
    stdout_bytes=256 * 1024,
    stderr_bytes=16 * 1024,
    open_files=64,
    processes=64,
    file_bytes=256 * MIB,
)
#: Of the folder: what its files take on the disk, holes not counted; and how many there are.
MAX_FOLDER_BYTES, MAX_FILES = 256 * MIB, 64
#: Seconds of a whole run.
MAX_SECONDS = 120.0
MAX_COMMANDS = 60
PREFIX = "portal-check-"
#: A folder of a worker that was killed; no run takes that long.
_LEFT_SECONDS = 3600.0

#: Images that are there under these names for a block that reads one and that no block before has made.
READY_IMAGES = frozenset(sample.filename for sample in SAMPLES.values())

PACKAGES = {
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
    "virsh": "libvirt-clients",
    "bwrap": "bubblewrap",
    "setpriv": "util-linux",
    "prlimit": "util-linux",
    "stdbuf": "coreutils",
    "xxd": "xxd",
    "hexdump": "bsdextrautils",
}


@dataclass(frozen=True, slots=True)
class Block:
    """The commands of one fence, each of one step or of several for one virsh, with the documents by name."""

    commands: tuple[tuple[Step, ...], ...]
    documents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended. ``trouble`` is a sentence where it could not be run to its end; then there is no exit code.

    ``output`` is what it said on both streams, in order, as visible text.
    """

    exit_code: int | None
    output: str
    trouble: str = ""


class _Stopped(Exception):
    """Nothing further can be run; the message says why."""


def versions() -> dict[str, str]:
    """What commands of each place would run on, such as ``{"qemu": "QEMU 7.2.22"}``; what is missing is left out."""
    found = {}
    qemu = qemu_img_version()
    if qemu:
        found[Place.QEMU.value] = f"QEMU {qemu.split()[0]}"
    try:
        said = run_bounded(["virsh", "--version"], limits=Limits(wall_seconds=10, stdout_bytes=200))
    except ProgramMissing:
        return found
    number = visible_bytes(said.stdout).strip()
    if said.exit_code == 0 and number:
        found[Place.TEST_DRIVER.value] = f"libvirt {number}"
    return found


def run_blocks(blocks: Sequence[Block], *, beside: Path | None = None) -> list[list[Result]]:
    """Run every command of every block; the results are in the same shape. Raises nothing that a command could cause.

    A command that exits with an error stops nothing: whoever asked knows what was to be expected. ``beside`` is where
    the private folder is made, by default among the system's temporary files.
    """
    _clear_left_behind(beside)
    results: list[list[Result]] = []
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=beside, ignore_cleanup_errors=True) as name:
        run = _Run(Path(name))
        for block in blocks:
            results.append([run.command(block, steps) for steps in block.commands])
    return results


class _Run:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._deadline = time.monotonic() + MAX_SECONDS
        self._changes: list[Step] = []
        self._commands = 0
        self._stopped = ""

    def command(self, block: Block, steps: tuple[Step, ...]) -> Result:
        """One command. After the first that leaves the run in no known state, none runs."""
        if self._stopped:
            return Result(None, "", self._stopped)
        try:
            self._lay_out(block, steps)
            result = self._run(steps)
            _inspect(self._folder)
            return result
        except Refused as refused:
            return Result(None, "", str(refused))
        except ProgramMissing as missing:
            program = str(missing).split()[0]
            return Result(None, "", f"{missing}. Install the package {PACKAGES.get(program, program)}.")
        except SandboxUnavailable as unavailable:
            self._stopped = f"No sandbox can be made on this machine. {unavailable}"
        except (_Stopped, OSError) as error:
            self._stopped = (
                str(error) if isinstance(error, _Stopped) else f"The folder of the run failed: {error}"
            )
        return Result(None, "", self._stopped)

    def _run(self, steps: tuple[Step, ...]) -> Result:
        self._commands += 1
        if self._commands > MAX_COMMANDS or time.monotonic() > self._deadline:
            raise _Stopped(
                f"All commands of an article have {MAX_SECONDS:g} s together; the rest was not run."
            )
        mark = f"mark-{secrets.token_hex(8)}"
        argv = build_argv(steps, self._changes, mark)
        finished = run_in_folder(argv, folder=self._folder, limits=LIMITS)
        self._changes += [step for step in steps if step.changes_test_driver]
        return _result(finished, mark)

    def _lay_out(self, block: Block, steps: tuple[Step, ...]) -> None:
        """Write what ``steps`` read and nobody has made: documents of the article, and ready images."""
        for name in sorted(frozenset().union(*(step.needs for step in steps))):
            path = self._folder / name
            if name in block.documents:
                check_document(name, block.documents[name])
                _write(path, block.documents[name].encode())
            elif name in READY_IMAGES and not path.exists():
                make_sample(next(one.kind for one in SAMPLES.values() if one.filename == name), path)


def _write(path: Path, content: bytes) -> None:
    """A file of our own in place of whatever has that name; no link is followed."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _inspect(folder: Path) -> None:
    """Stop the run when its folder holds too much, or anything but plain files."""
    taken = 0
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries, start=1):
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                raise _Stopped("The folder of the run holds something that is no plain file.")
            taken += status.st_blocks * 512
            if number > MAX_FILES or taken > MAX_FOLDER_BYTES:
                raise _Stopped(
                    f"The files of the run passed {MAX_FILES} files or {MAX_FOLDER_BYTES // MIB} MiB on the disk."
                )


def _result(finished: Finished, mark: str) -> Result:
    said = visible_bytes(finished.stdout)
    before, marked, after = said.partition(f"{mark}\n")
    output = after.removeprefix("\n") if marked else before
    match finished.ended_because:
        case EndedBecause.EXIT:
            return Result(finished.exit_code, output)
        case EndedBecause.TIMEOUT:
            trouble = f"It was stopped after {LIMITS.wall_seconds:g} s."
        case EndedBecause.OUTPUT:
            trouble = f"It was stopped when it had written more than {LIMITS.stdout_bytes // 1024} KiB."
        case EndedBecause.MEMORY:
            trouble = f"It needed more than the {LIMITS.memory_bytes // MIB} MiB of memory that it was given."
        case EndedBecause.CPU:
            trouble = f"It was stopped after {LIMITS.cpu_seconds} s of processor time."
        case EndedBecause.SIGNAL:
            trouble = f"It was ended by signal {finished.signal}."
    return Result(None, output, trouble)


def _clear_left_behind(beside: Path | None) -> None:
    """Remove folders whose worker was killed. Only our own: others' cannot be removed, and are not tried."""
    root = beside or Path(tempfile.gettempdir())
    for path in root.glob(PREFIX + "*"):
        status = path.lstat()
        old = status.st_mtime < time.time() - _LEFT_SECONDS
        if old and stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)
