"""Words of a host for people who are not its staff: what QEMU said, without where it lies on that host."""

from __future__ import annotations

import re

_PATH = re.compile(r"(?<![\w./])(?:/+[^\s/:;,'\"`()<>]+)+/*")
#: Names that every Linux machine has, and that tell what has to be mended.
_KNOWN = ("/dev/", "/proc/", "/sys/")


def without_paths(text: str) -> str:
    """Return ``text`` with each absolute path cut to its last part; devices of the kernel keep theirs."""
    return _PATH.sub(_last_part, text)


def _last_part(match: re.Match[str]) -> str:
    path = match[0]
    return path if path.startswith(_KNOWN) else "…/" + path.rstrip("/").rsplit("/", 1)[-1]
