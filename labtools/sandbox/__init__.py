"""Run `qemu-img info` and `qemu-img check` on hostile files, bounded in every way. Imports nothing of Django.

    from labtools.sandbox import Limits, image_check, image_info

    info = image_info(path)                       # InfoResult
    check = image_check(path, encryption="none")  # CheckResult
    info.to_json_dict(), check.to_json_dict()     # plain JSON, to be stored beside the row

Neither raises for anything that an image can do. What the header says must be passed in, because qemu-img
has to be told: `has_external_data_file` (incompatible feature bit 2), `data_file_size` (virtual size in
bytes) and `encryption` ("none", "aes", "luks": crypt_method 0, 1, 2). `limits` is one `Limits`:

    Limits(wall_seconds=60.0, cpu_seconds=60, memory_bytes=1 GiB of address space,
           stdout_bytes=4 MiB, stderr_bytes=4 MiB, open_files=64, processes=256)

Shape of the JSON (the dataclasses have the same names with underscores)::

    info  = {"format": 1, "run": RUN, "information": QEMU's ImageInfo or null}
    check = {"format": 1, "run": RUN, "numbers": NUMBERS or null, "messages": [MESSAGE, ...]}

    RUN = {
      "outcome": "info" | "clean" | "leaks" | "corruptions"       # it came to its end
               | "failed"                                         # exit code 1: not opened, or not finished
               | "needs-key" | "unavailable"                      # not run at all
               | "timeout" | "output" | "memory" | "cpu" | "killed",
      "sentence": "qemu-img check counts 2 corruptions and 0 leaked clusters.",   # for a person
      "ran": true, "qemu_version": "7.2.22 (Debian ...)" or null,
      "exit_code": 2 or null, "signal": null or 9, "seconds": 0.015,
      "raw_stdout": "...", "raw_stderr": "...", "stdout_truncated": false, "stderr_truncated": false}
      # raw: the first 256 KiB of each stream

    NUMBERS = {"check-errors": 0, "corruptions": 2, "leaks": 0, "image-end-offset": 1376256 or null,
               "total-clusters": 1024 or null, "allocated-clusters": 16, "fragmented-clusters": 0,
               "compressed-clusters": 0}

    MESSAGE = {                                                    # all lines of one kind; at most 40 kinds
      "code": "refcount-too-low", "severity": "error" | "leak" | "note", "count": 1,
      "explanation": "More references point at a cluster than its refcount says. ...",
      "examples": [{"sentence": "ERROR cluster 5 refcount=0 reference=1", "cluster_offset": 327680 or null}]}
                                                                   # the first 20

Every text that an image can influence has its control characters spelled out and is valid UTF-8; it is
still text from a stranger, to be escaped like any other. `image_check` never repairs. For operators,
`is_available()` says in a sentence why no sandbox can be made; `make_sample(kind, path)` makes the
portal's own ready images.
"""

from .bubblewrap import Availability, is_available
from .messages import CheckMessage, Example, Severity
from .programs import SandboxUnavailable, run_in_folder
from .qemu_img import (
    CheckNumbers,
    CheckResult,
    Encryption,
    InfoResult,
    Outcome,
    Run,
    image_check,
    image_info,
    qemu_img_version,
)
from .runner import EndedBecause, Finished, Limits, ProgramMissing, run_bounded
from .samples import SAMPLES, Sample, SampleKind, make_sample
from .visible import visible_bytes

__all__ = [
    "SAMPLES",
    "Availability",
    "CheckMessage",
    "CheckNumbers",
    "CheckResult",
    "Encryption",
    "EndedBecause",
    "Example",
    "Finished",
    "InfoResult",
    "Limits",
    "Outcome",
    "ProgramMissing",
    "Run",
    "Sample",
    "SampleKind",
    "SandboxUnavailable",
    "Severity",
    "image_check",
    "image_info",
    "is_available",
    "make_sample",
    "qemu_img_version",
    "run_bounded",
    "run_in_folder",
    "visible_bytes",
]
