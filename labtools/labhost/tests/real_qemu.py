"""The QEMU of this machine for tests: what it can do, as labprobe found it, and what it says of options."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

from labtools.labhost.document import parse_document
from labtools.labhost.lint import Facts

PROGRAM = "/usr/bin/qemu-system-x86_64"
_PROBE = """
import sys
from labtools.labhost import labprobe
labprobe.find_binaries = lambda **_: sys.argv[1:]
labprobe.read_libvirt = lambda *_: {"uri": "", "refused": {"connection": "not asked"}}
sys.exit(labprobe.main())
"""
_QUIT = '{"execute":"qmp_capabilities"}{"execute":"quit"}'


@functools.cache
def real_facts() -> Facts:
    """What the installed QEMU can do; probed once for all tests of a run."""
    argv = [sys.executable, "-c", _PROBE, PROGRAM]
    out = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout
    document = parse_document(out)
    return Facts.from_document(document, document.qemu[0])


@functools.cache
def installed_version() -> tuple[int, int]:
    """The version of the installed QEMU: major, minor."""
    said = subprocess.run([PROGRAM, "-version"], capture_output=True, text=True, check=True).stdout
    major, minor = said.split("version ")[1].split(".")[:2]
    return int(major), int(minor)


def start_qemu(*options: str, machine: str = "q35") -> str:
    """What QEMU says on its standard error when it starts with ``options``, stopped, and is told to quit at once."""
    argv = [PROGRAM, "-M", machine, "-nodefaults", "-display", "none", "-S", "-qmp", "stdio", *options]
    if installed_version() >= (8, 2):  # from then on a sound device wants to be told that nobody hears it
        argv += ["-audio", "none"]
    silent = {"PATH": os.environ["PATH"], "QEMU_AUDIO_DRV": "none"}
    done = subprocess.run(
        argv, input=_QUIT, capture_output=True, text=True, check=False, timeout=30, env=silent
    )
    # What it says of sound modules of this machine is not about the options.
    return "".join(
        line for line in done.stderr.splitlines(keepends=True) if not line.startswith("qemu: module")
    )
