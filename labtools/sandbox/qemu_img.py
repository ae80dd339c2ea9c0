"""`qemu-img info` and `qemu-img check` on a file that nobody trusts.

The driver is always named, so that qemu-img guesses no format and opens no file but the one at `/image`:
the backing file is overridden with null, an external data file with `null-co`. Where no sandbox can be
made, qemu-img is not run.
"""

from __future__ import annotations

import functools
import json
import os
import re
import stat
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from .bubblewrap import IMAGE, PROGRAM, failed_to_start, is_available, sandbox_argv
from .messages import CheckMessage, parse_messages
from .runner import EndedBecause, Finished, Limits, ProgramMissing, find_program, run_bounded
from .visible import visible, visible_bytes, visible_json

#: Number of the JSON format that the `to_json_dict` methods write; raised when a reader would have to change.
JSON_FORMAT = 1

#: QEMU's names of the header's crypt_method 0, 1 and 2.
Encryption = Literal["none", "aes", "luks"]

DEFAULT_LIMITS = Limits()

#: How much of each raw stream a result carries, to be stored and shown; findings are taken from all that
#: was read.
RAW_BYTES_KEPT = 256 * 1024

# BDRV_MAX_LENGTH of QEMU: the greatest length a block device may have.
_MAX_DEVICE_LENGTH = (2**63 - 1) // 2**30 * 2**30
_VERSION_LIMITS = Limits(wall_seconds=10, stdout_bytes=4096, stderr_bytes=4096)


class Outcome(StrEnum):
    """How a run of qemu-img ended, as a word for the report."""

    INFO = "info"  #: `info` described the image
    CLEAN = "clean"  #: `check` exit code 0
    LEAKS = "leaks"  #: `check` exit code 3: leaked clusters only
    CORRUPTIONS = "corruptions"  #: `check` exit code 2
    FAILED = "failed"  #: exit code 1: could not open, or could not finish the check
    NEEDS_KEY = "needs-key"  #: not run: the image is encrypted with LUKS
    UNAVAILABLE = "unavailable"  #: not run: no sandbox, or no qemu-img
    TIMEOUT = "timeout"  #: stopped at the wall clock
    OUTPUT = "output"  #: stopped because it wrote too much
    MEMORY = "memory"  #: stopped at the memory limit
    CPU = "cpu"  #: stopped at the limit of processor time
    KILLED = "killed"  #: ended by another signal


@dataclass(frozen=True, slots=True)
class Run:
    """What happened, the same for both commands. `sentence` is for a person.

    The raw texts hold the first 256 KiB of each stream; a `truncated` flag says that there was more.
    """

    outcome: Outcome
    sentence: str
    qemu_version: str | None
    exit_code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    raw_stdout: str = ""
    raw_stderr: str = ""
    stdout_truncated: bool = False
    stderr_truncated: bool = False

    @property
    def ran(self) -> bool:
        """False when qemu-img was not started at all."""
        return self.outcome not in (Outcome.UNAVAILABLE, Outcome.NEEDS_KEY)


@dataclass(frozen=True, slots=True)
class InfoResult:
    """`information` is QEMU's ImageInfo (qapi/block-core.json) as it came, None when there is none."""

    run: Run
    information: dict[str, Any] | None

    def to_json_dict(self) -> dict[str, Any]:
        """The result as plain JSON values, with the number of the format."""
        return {"format": JSON_FORMAT, "run": _run_json(self.run), "information": self.information}


@dataclass(frozen=True, slots=True)
class CheckNumbers:
    """QEMU's ImageCheck: its totals. Offsets in bytes, the rest counts; what QEMU leaves out is 0 or None."""

    check_errors: int
    corruptions: int
    leaks: int
    image_end_offset: int | None
    total_clusters: int | None
    allocated_clusters: int
    fragmented_clusters: int
    compressed_clusters: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`numbers` is None when qemu-img did not come to its end; `messages` hold what it said until then."""

    run: Run
    numbers: CheckNumbers | None
    messages: tuple[CheckMessage, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values, the numbers under QEMU's own names, with the number of the format."""
        numbers = self.numbers and {
            key.replace("_", "-"): value for key, value in asdict(self.numbers).items()
        }
        return {
            "format": JSON_FORMAT,
            "run": _run_json(self.run),
            "numbers": numbers,
            "messages": [
                asdict(message)
                | {"severity": message.severity.value, "examples": [asdict(e) for e in message.examples]}
                for message in self.messages
            ],
        }


def qemu_img_version(program: Path | None = None) -> str | None:
    """The version that qemu-img gives, such as `7.2.22 (Debian 1:7.2)`; None when it is not installed."""
    try:
        path = find_program(os.fspath(program or "qemu-img"))
        return _version_of(path, os.stat(path).st_mtime_ns)
    except (ProgramMissing, OSError):
        return None


@functools.lru_cache(maxsize=8)
def _version_of(path: str, _mtime_ns: int) -> str | None:
    """Keyed by the file's time too: an upgrade under a running worker is noticed."""
    finished = run_bounded([path, "--version"], limits=_VERSION_LIMITS)
    match = re.match(rb"qemu-img version ([^\n]+)", finished.stdout)
    return visible_bytes(match[1]) if match else None


def image_info(
    path: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    has_external_data_file: bool = False,
    data_file_size: int = 0,
    program: Path | None = None,
) -> InfoResult:
    """Run `qemu-img info` on the image at `path`, a regular file that the server named.

    `has_external_data_file` is incompatible feature bit 2 of the header, `data_file_size` the virtual size
    in bytes that the stand-in for the data file gets. Needs no key for encrypted images. Raises ValueError
    when `path` is not a regular file. `program` replaces qemu-img, for tests of what goes wrong.
    """
    filename = _json_filename(has_external_data_file, data_file_size)
    run, finished = _run(["info", "--output=json", filename], path, filename, limits, program)
    if finished is None or run.exit_code != 0:
        return InfoResult(run, None)
    information = _parse_object(finished.stdout)
    if information is None:
        return InfoResult(
            _replaced(run, Outcome.FAILED, "qemu-img info wrote something that is not its JSON."), None
        )
    return InfoResult(_replaced(run, Outcome.INFO, "qemu-img info described the image."), information)


def image_check(
    path: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    has_external_data_file: bool = False,
    data_file_size: int = 0,
    encryption: Encryption = "none",
    program: Path | None = None,
) -> CheckResult:
    """Run `qemu-img check` (never a repair) on the image at `path`, a regular file that the server named.

    The check opens an image as if to read its data, which asks for a key when `encryption` is on. For `aes`
    any passphrase serves, as the check decrypts nothing. For `luks` QEMU must unlock a key slot, and a
    passphrase is never asked for here: the outcome is NEEDS_KEY and qemu-img is not run. Otherwise as
    :func:`image_info`.
    """
    if encryption == "luks":
        sentence = (
            "qemu-img check cannot open an image encrypted with LUKS without its passphrase, "
            "which is never asked for here, so it was not run."
        )
        return CheckResult(Run(Outcome.NEEDS_KEY, sentence, qemu_img_version(program)), None, ())
    filename = _json_filename(has_external_data_file, data_file_size, encryption)
    secret = ["--object", "secret,id=dummy,data=dummy"] if encryption == "aes" else []
    run, finished = _run(["check", *secret, "--output=json", filename], path, filename, limits, program)
    if finished is None:
        return CheckResult(run, None, ())
    messages = parse_messages(
        finished.stderr, cluster_size=_cluster_size(path), truncated=finished.stderr_truncated
    )
    numbers = _numbers(finished) if run.exit_code is not None else None
    if finished.ended_because is EndedBecause.EXIT:
        run = _judged(run, numbers)
    return CheckResult(run, numbers, messages)


def _json_filename(has_data_file: bool, data_file_size: int, encryption: Encryption = "none") -> str:
    """The image as QEMU's block layer is told to open it.

    Locking is off because the file is bound read-only and is the portal's own copy. The data file is given
    only where the header asks for one: QEMU refuses it otherwise.
    """
    protocol = {"driver": "file", "filename": IMAGE, "locking": "off", "read-only": True}
    node: dict[str, Any] = {"driver": "qcow2", "read-only": True, "file": protocol, "backing": None}
    if has_data_file:
        size = min(max(data_file_size, 0), _MAX_DEVICE_LENGTH)
        node["data-file"] = {"driver": "null-co", "size": size, "read-zeroes": True}
    if encryption == "aes":
        node["encrypt"] = {"format": "aes", "key-secret": "dummy"}
    return "json:" + json.dumps(node, separators=(",", ":"))


def _run(
    arguments: list[str], path: Path, filename: str, limits: Limits, program: Path | None
) -> tuple[Run, Finished | None]:
    """Run qemu-img in the sandbox; the second value is None when it was not started."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("the image must be a regular file")
    version = qemu_img_version(program)
    availability = is_available()
    if not availability.ok:
        sentence = f"qemu-img was not run, because no sandbox can be made here. {availability.reason}"
        return Run(Outcome.UNAVAILABLE, sentence, version), None
    try:
        inside = PROGRAM if program else find_program("qemu-img")
        argv = sandbox_argv(
            [inside, *arguments],
            limits=limits,
            image=path,
            program=program,
            disable_userns=availability.disables_userns,
        )
    except ProgramMissing as missing:
        sentence = f"qemu-img was not run: {missing}. Install the package qemu-utils."
        return Run(Outcome.UNAVAILABLE, sentence, version), None
    finished = run_bounded(argv, limits=limits)
    if failed_to_start(finished):
        sentence = f"qemu-img was not run: {visible_bytes(finished.stderr[:300]).strip()}"
        return Run(Outcome.UNAVAILABLE, sentence, version), None
    outcome, sentence = _outcome(finished, filename, limits)
    return _as_run(finished, outcome, sentence, version), finished


def _as_run(finished: Finished, outcome: Outcome, sentence: str, version: str | None) -> Run:
    return Run(
        outcome=outcome,
        sentence=sentence,
        qemu_version=version,
        exit_code=finished.exit_code,
        signal=finished.signal,
        seconds=round(finished.seconds, 3),
        raw_stdout=visible_bytes(finished.stdout[:RAW_BYTES_KEPT]),
        raw_stderr=visible_bytes(finished.stderr[:RAW_BYTES_KEPT]),
        stdout_truncated=finished.stdout_truncated or len(finished.stdout) > RAW_BYTES_KEPT,
        stderr_truncated=finished.stderr_truncated or len(finished.stderr) > RAW_BYTES_KEPT,
    )


def _outcome(finished: Finished, filename: str, limits: Limits) -> tuple[Outcome, str]:
    """Outcome and sentence for every end but a verdict of the check."""
    match finished.ended_because:
        case EndedBecause.TIMEOUT:
            return (
                Outcome.TIMEOUT,
                f"qemu-img was stopped after {limits.wall_seconds:g} s without a result.",
            )
        case EndedBecause.OUTPUT:
            bound = limits.stderr_bytes if finished.stderr_truncated else limits.stdout_bytes
            return Outcome.OUTPUT, (
                f"qemu-img was stopped when it had written more than {bound:,} bytes; its totals are unknown."
            )
        case EndedBecause.MEMORY:
            return Outcome.MEMORY, (
                f"qemu-img needed more than the {limits.memory_bytes // 2**20:,} MiB of memory it was given."
            )
        case EndedBecause.CPU:
            return Outcome.CPU, f"qemu-img was stopped after {limits.cpu_seconds} s of processor time."
        case EndedBecause.SIGNAL:
            return Outcome.KILLED, f"qemu-img was ended by signal {finished.signal}."
        case EndedBecause.EXIT:
            return Outcome.FAILED, _complaint(finished.stderr, filename)


def _complaint(stderr: bytes, filename: str) -> str:
    """qemu-img's last line about why it gave up, without the filename that it repeats."""
    lines = visible_bytes(stderr[-4096:]).strip().splitlines()
    last = lines[-1].removeprefix("qemu-img: ") if lines else "no reason given"
    last = last.removeprefix(f"Could not open '{visible(filename)}': ")
    return f"qemu-img gave up: {last}" + ("" if last.endswith(".") else ".")


def _judged(run: Run, numbers: CheckNumbers | None) -> Run:
    """The verdict of the check from its exit code (qemu-img(1), "check") and totals."""
    match run.exit_code:
        case 0 if numbers:
            return _replaced(run, Outcome.CLEAN, "qemu-img check found no errors.")
        case 2 if numbers:
            return _replaced(
                run,
                Outcome.CORRUPTIONS,
                f"qemu-img check counts {_plural(numbers.corruptions, 'corruption')} "
                f"and {_plural(numbers.leaks, 'leaked cluster')}.",
            )
        case 3 if numbers:
            leaks = _plural(numbers.leaks, "leaked cluster")
            return _replaced(run, Outcome.LEAKS, f"qemu-img check counts {leaks} and no corruption.")
        case 1 if numbers and numbers.check_errors:
            errors = _plural(numbers.check_errors, "internal error")
            return _replaced(
                run,
                Outcome.FAILED,
                f"qemu-img check could not read all it needs: {errors}. "
                f"In the rest it counts {_plural(numbers.corruptions, 'corruption')} "
                f"and {_plural(numbers.leaks, 'leaked cluster')}.",
            )
        case 0 | 2 | 3:
            return _replaced(run, Outcome.FAILED, "qemu-img check wrote something that is not its JSON.")
    return run


def _numbers(finished: Finished) -> CheckNumbers | None:
    data = _parse_object(finished.stdout)
    if data is None:
        return None

    def count(name: str) -> int:
        return number if (number := optional(name)) is not None else 0

    def optional(name: str) -> int | None:
        value = data.get(name)
        return value if isinstance(value, int) else None

    return CheckNumbers(
        check_errors=count("check-errors"),
        corruptions=count("corruptions"),
        leaks=count("leaks"),
        image_end_offset=optional("image-end-offset"),
        total_clusters=optional("total-clusters"),
        allocated_clusters=count("allocated-clusters"),
        fragmented_clusters=count("fragmented-clusters"),
        compressed_clusters=count("compressed-clusters"),
    )


def _parse_object(stdout: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(stdout.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return visible_json(value) if isinstance(value, dict) else None


def _cluster_size(path: Path) -> int | None:
    """Bytes per cluster from the header (cluster_bits, bytes 20 to 23); None outside QEMU's 9 to 21 bits."""
    with path.open("rb") as image:
        header = image.read(24)
    bits = int.from_bytes(header[20:24], "big")
    return 1 << bits if len(header) == 24 and 9 <= bits <= 21 else None


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _replaced(run: Run, outcome: Outcome, sentence: str) -> Run:
    return replace(run, outcome=outcome, sentence=sentence)


def _run_json(run: Run) -> dict[str, Any]:
    return asdict(run) | {"outcome": run.outcome.value, "ran": run.ran}
