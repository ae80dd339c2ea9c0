"""One image, examined from its first byte to the verdict. No database, no queue.

The whole file is read once for its SHA-256 and never held; header and estimate read a few KiB; qemu-img runs
in the sandbox. What the image claims can only ever make the report longer up to the bounds named here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from labtools import qcow2, sandbox, verdicts
from labtools.scratch import scratch

FORMAT = 2
"""Version of the shape of :attr:`Examination.result`; raised when a reader would have to change."""

CHUNK = 1 << 20
RAW_TEXT_KEPT = 64 * 1024
"""Characters kept of what qemu-img wrote on each stream; the findings have been counted from all of it."""
LIST_KEPT = 100
TEXT_KEPT = 4096
ESTIMATE_MARGIN = 3
"""How far an estimate may pass the time limit: it was measured up to twice too high. The sandbox's wall clock holds."""
ATLAS_KEPT = 8 << 20
"""Bytes of the map that are kept; it is made to be smaller, and left out where it is not."""
BEAT_SECONDS = 3.0
"""How often a report of progress is made while a stage has none of its own."""

MAX_METADATA = 512 << 20
"""Bytes of metadata that are taken in place of an image: those of three terabytes with clusters of 64 KiB."""

MAX_PATCH = 8 << 20
"""Bytes of a packed patch that are kept with a report."""
NO_ROOM = "A repair could not be tried here: there was no room for the copies that it takes."
TOO_LARGE = "The changes are too many to be kept here. Run the preview where the image is."

Report = Callable[[str, int], None]
"""Called with the name of the stage and its progress in percent; raising ends the examination."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Examination:
    """What the file is: length in bytes, SHA-256 in hexadecimal, verdict code, and the whole report as JSON values.

    ``atlas`` is the map of the clusters, where the tables could be read, for :func:`labtools.qcow2.read_atlas`.
    ``patch`` is what a repair would write, packed for ``apply-patch``; empty where there is none.
    """

    length: int
    sha256: str
    verdict: verdicts.Code
    result: dict[str, Any]
    atlas: bytes | None = None
    patch: bytes = b""


@dataclass
class _Work:
    """The parts of a report as they come in."""

    image: Path
    limits: sandbox.Limits
    report: Report
    seconds: dict[str, float] = field(default_factory=dict)

    def stage(self, name: str, action: Callable[[], T], part: str = "") -> T:
        """Run ``action`` as the stage ``name``, or as a ``part`` of it, and note how long it took."""
        self.report(name, 0)
        started = time.monotonic()
        try:
            return action()
        finally:
            self.seconds[part or name] = round(time.monotonic() - started, 3)

    def outside(self, name: str, action: Callable[[], T], part: str = "") -> T:
        """The same for an action that blocks: it runs in a thread while this one keeps reporting.

        The action is bounded by its own wall clock, so that leaving early, when a report raises, waits for it.
        """

        def run() -> T:
            with ThreadPoolExecutor(1) as pool:
                future = pool.submit(action)
                while not wait([future], timeout=BEAT_SECONDS).done:
                    self.report(name, 0)
                return future.result()

        return self.stage(name, run, part)


def examine(image: Path, *, limits: sandbox.Limits, report: Report) -> Examination:
    """Examine the regular file ``image``, which the server named.

    Nothing that the file holds raises. ``OSError`` and :class:`~labtools.qcow2.FileUnreadableError` are raised
    where the file itself is gone or cannot be read.
    """
    work = _Work(image, limits, report)
    if qcow2.is_skeleton(image):
        return _examine_supplied(work)
    length, sha256 = work.stage("hashing", lambda: _hash(image, report))
    return _examination(work, length, sha256, _read(work), None)


def _examine_supplied(work: _Work) -> Examination:
    """Examine metadata that was sent in place of an image: unpacked, it is an image whose data are holes."""
    packed = work.image
    with scratch(packed) as folder:
        work.image = folder / "image"
        try:
            supplied = work.outside(
                "hashing", lambda: qcow2.unpack_skeleton(packed, work.image, max_bytes=MAX_METADATA)
            )
        except qcow2.SkeletonError as error:
            return _examination(work, packed.stat().st_size, "", _unreadable(error), None)
        return _examination(work, supplied.length, "", _read(work, supplied), supplied)


def _examination(
    work: _Work,
    length: int,
    sha256: str,
    parts: dict[str, Any],
    supplied: qcow2.SuppliedMetadata | None,
) -> Examination:
    verdict: verdicts.Verdict = parts.pop("verdict")
    atlas: bytes | None = parts.pop("atlas", None)
    patch: bytes = parts.pop("patch", b"")
    result = {
        "format": FORMAT,
        "file": {"length": length, "sha256": sha256},
        "supplied": supplied and asdict(supplied),
        "verdict": asdict(verdict),
        **parts,
        "versions": {"report": FORMAT, "qemu_img": sandbox.qemu_img_version()},
        "seconds": work.seconds,
    }
    return Examination(length, sha256, verdict.code, result, atlas, patch)


def _hash(image: Path, report: Report) -> tuple[int, str]:
    """Length in bytes and SHA-256, read in pieces of 1 MiB into one buffer."""
    digest, buffer, done = hashlib.sha256(), memoryview(bytearray(CHUNK)), 0
    with image.open("rb", buffering=0) as file:
        length = file.seek(0, 2)
        file.seek(0)
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            done += count
            report("hashing", min(99, done * 100 // max(length, 1)))
    return done, digest.hexdigest()


_NOTHING: dict[str, Any] = {
    "found": None,
    "header": None,
    "estimate": None,
    "reading": None,
    "info": None,
    "check": None,
    "repair": None,
    "silences": [],
    "differences": [],
}


def _unreadable(error: qcow2.ImageError) -> dict[str, Any]:
    found = error.format if isinstance(error, qcow2.NotQcow2Error) else None
    return _NOTHING | {
        "found": {"code": error.code, "sentence": error.sentence, "format": found and asdict(found)},
        "verdict": verdicts.judge_unreadable(error),
    }


def _read(work: _Work, supplied: qcow2.SuppliedMetadata | None = None) -> dict[str, Any]:
    """Header, estimate, our check, both runs of qemu-img where they make sense, and the verdict."""
    try:
        header, estimate = work.stage("header", lambda: _header(work))
    except qcow2.FileUnreadableError:
        raise
    except qcow2.ImageError as error:
        return _unreadable(error)
    report, reading, atlas = _tables(work, whole=supplied is None)
    info, check = None, None
    if estimate.refused is None:
        info, check = _ask_qemu(work, header)
    judged = check
    if check and supplied and header.facts.cluster_size:
        judged = verdicts.without_leaks(check, -(-supplied.luks_header_bytes // header.facts.cluster_size))
    repair, patch = _preview(work, check, supplied)
    verdict = verdicts.hear_reading(verdicts.judge(header, judged, estimate.refused), header, report)
    if supplied:
        verdict = verdicts.hear_of_leaks_unseen(verdict)
    return _NOTHING | {
        "repair": repair,
        "patch": patch,
        "header": qcow2.to_json_dict(header),
        "estimate": asdict(estimate),
        "reading": reading,
        "atlas": atlas,
        "info": info and _bounded_run(info.to_json_dict()),
        "check": check and _bounded_run(check.to_json_dict()),
        "silences": [asdict(each) for each in verdicts.silences(header, check)],
        "differences": [asdict(each) for each in verdicts.differences(header, info)],
        "verdict": verdict,
    }


def _preview(
    work: _Work, check: sandbox.CheckResult | None, supplied: qcow2.SuppliedMetadata | None
) -> tuple[dict[str, Any] | None, bytes]:
    """What a repair would write, as facts and as a patch; nothing where there is nothing to repair."""
    if check is None or check.run.outcome not in (sandbox.Outcome.LEAKS, sandbox.Outcome.CORRUPTIONS):
        return None, b""
    if supplied and supplied.suspect_bytes_left_out:
        return {"refused": "A repair cannot be foretold, as some of the metadata was left out."}, b""
    try:
        with scratch(work.image) as folder:
            preview = work.outside(
                "check", lambda: qcow2.preview_repair(work.image, folder, limits=work.limits), "repair"
            )
        patch = qcow2.pack_patch(preview)
    except qcow2.FileUnreadableError:
        raise
    except qcow2.ImageError as error:
        return {"refused": error.sentence}, b""
    except OSError:
        return {"refused": NO_ROOM}, b""
    if len(patch) > MAX_PATCH:
        return {"refused": TOO_LARGE}, b""
    return preview.to_json_dict(), patch


def _header(work: _Work) -> tuple[qcow2.HeaderReport, qcow2.CheckEstimate]:
    bounds = qcow2.CheckLimits(
        memory_bytes=work.limits.memory_bytes, seconds=work.limits.wall_seconds * ESTIMATE_MARGIN
    )
    with qcow2.open_image(work.image) as source:
        return qcow2.read_header(source), qcow2.estimate_check(source, bounds)


def _tables(work: _Work, *, whole: bool) -> tuple[qcow2.CheckReport | None, dict[str, Any], bytes | None]:
    """Our own check of the image, the same as JSON values, or why it was given up; and the map that it makes.

    ``whole`` says that the guest's data is there too, and not the metadata alone.
    """
    bounds = qcow2.CheckBounds(seconds=work.limits.wall_seconds)

    def read() -> tuple[qcow2.CheckReport, qcow2.Gathered]:
        with qcow2.open_image(work.image) as source:
            report = qcow2.check_image(source, bounds, whole=whole, payload=whole, atlas=True)
            return report, qcow2.gather_evidence(source, report)

    try:
        report, evidence = work.outside("reading", read)
    except qcow2.CheckBoundError as error:
        return None, {"error": {"code": error.code, "sentence": error.sentence}}, None
    atlas = report.atlas if report.atlas and len(report.atlas) <= ATLAS_KEPT else None
    reading = qcow2.check_to_json_dict(report) | qcow2.evidence_json(evidence)
    return report, reading, atlas


def _ask_qemu(work: _Work, header: qcow2.HeaderReport) -> tuple[sandbox.InfoResult, sandbox.CheckResult]:
    facts = header.facts
    encryption: sandbox.Encryption = (
        "aes" if facts.encryption == "aes" else "luks" if facts.encryption == "luks" else "none"
    )
    info = work.outside(
        "info",
        lambda: sandbox.image_info(
            work.image,
            limits=work.limits,
            has_external_data_file=facts.external_data,
            data_file_size=facts.virtual_size,
        ),
    )
    check = work.outside(
        "check",
        lambda: sandbox.image_check(
            work.image,
            limits=work.limits,
            has_external_data_file=facts.external_data,
            data_file_size=facts.virtual_size,
            encryption=encryption,
        ),
    )
    return info, check


def _bounded_run(result: dict[str, Any]) -> dict[str, Any]:
    """The raw outputs cut to what a page can show, the rest to what a row should hold."""
    run = result["run"]
    for stream in ("stdout", "stderr"):
        text = run[f"raw_{stream}"]
        run[f"{stream}_truncated"] = run[f"{stream}_truncated"] or len(text) > RAW_TEXT_KEPT
        run[f"raw_{stream}"] = text[:RAW_TEXT_KEPT]
    if "information" in result:
        result["information"] = bounded(result["information"])
    return result


def bounded(value: Any, depth: int = 12) -> Any:
    """A JSON value with lists and objects of at most :data:`LIST_KEPT` items and texts of :data:`TEXT_KEPT`."""
    if depth == 0:
        return None
    if isinstance(value, str):
        return value if len(value) <= TEXT_KEPT else value[:TEXT_KEPT] + "…"
    if isinstance(value, list):
        return [bounded(item, depth - 1) for item in value[:LIST_KEPT]]
    if isinstance(value, dict):
        return {str(key)[:200]: bounded(item, depth - 1) for key, item in list(value.items())[:LIST_KEPT]}
    return value
