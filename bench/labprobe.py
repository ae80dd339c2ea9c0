"""A whole target probed by labprobe beside the bare QMP crawl of the same binary, in turns on this machine.

The crawl asks for every device type's properties, one after another, and starts QEMU again after each type
that ends it; it keeps nothing. labprobe also asks for groups, machines, objects and CPU models, under tcg.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable

from bench import Figure
from labtools.labhost import labprobe

ROUNDS = 9


def bench() -> list[Figure]:
    """The ratio, and the size of the document."""
    binary = shutil.which("qemu-system-x86_64")
    if binary is None:
        raise SystemExit("bench labprobe needs qemu-system-x86_64")
    path = binary
    pairs = [(_seconds(lambda: _probe(path)), _seconds(lambda: _crawl(path))) for _ in range(ROUNDS)]
    # The best of each: both start several processes, so one round says more of the machine's other work.
    ratio = min(ours for ours, _ in pairs) / min(bare for _, bare in pairs)
    return [
        Figure("x86_64 under tcg, beside the bare QMP crawl", ratio, "times its time", at_most=1.5),
        Figure("document of x86_64 under tcg", len(_probe(path)) / 1000, "kB", at_most=1000),
    ]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _probe(binary: str) -> bytes:
    accelerators = labprobe.ACCELERATORS
    labprobe.ACCELERATORS = ("tcg",)
    probe = labprobe.Probe()
    try:
        return labprobe.dump(probe.document([binary]))
    finally:
        probe.close()
        labprobe.ACCELERATORS = accelerators


def _crawl(binary: str) -> int:
    crawler = _Crawler(binary)
    answered = 0
    try:
        types = crawler.ask("qom-list-types", implements="device", abstract=False)
        for kind in types or []:
            if crawler.ask("device-list-properties", typename=kind["name"]) is None:
                crawler.end()
                crawler = _Crawler(binary)
            else:
                answered += 1
    finally:
        crawler.end()
    return answered


class _Crawler:
    def __init__(self, binary: str) -> None:
        argv = [binary, "-M", "none", "-nodefaults", "-nographic", "-S", "-accel", "tcg", "-sandbox", "on"]
        self._qemu = subprocess.Popen(
            [*argv, "-qmp", "stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._qemu.stdin is not None
        assert self._qemu.stdout is not None
        self._to, self._from = self._qemu.stdin, self._qemu.stdout
        self._from.readline()
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: object) -> list[dict[str, str]] | None:
        self._to.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self._to.flush()
        while line := self._from.readline():
            message = json.loads(line)
            if "event" not in message:
                return message.get("return") or []
        return None

    def end(self) -> None:
        self._qemu.kill()
        self._qemu.communicate()
