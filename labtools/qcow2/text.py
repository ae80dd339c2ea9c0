"""Numbers and untrusted bytes, written for people."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

# Cc and Cf hold terminal escapes and bidi overrides, Zl and Zp line breaks, Cs and Co and Cn nothing
# readable.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def binary_size(count: int) -> str:
    """``count`` bytes in the largest binary unit that keeps it exact or readable: ``1000 MiB``, ``1.33 GiB``.

    An exact multiple is written whole in the largest unit that divides it, so that no digit is lost, unless it has
    five digits or more; anything else gets two decimals of the largest unit that it reaches, or stays in bytes below
    1 KiB.
    """
    if count == 1:
        return "1 byte"
    reached = 0
    while reached + 1 < len(_UNITS) and count >= 1 << (10 * (reached + 1)):
        reached += 1
    if reached == 0:
        return f"{count} bytes"
    for power in (reached, reached - 1):
        whole, rest = divmod(count, 1 << (10 * power))
        if rest == 0 and power > 0 and whole < 10_000:
            return f"{whole} {_UNITS[power]}"
    # Rounded down, so that a limit passed by a hair never reads as the limit itself plus more.
    hundredths = count * 100 >> (10 * reached)
    return f"{hundredths / 100:.2f} {_UNITS[reached]}"


def byte_count(count: int) -> str:
    """``count`` bytes, exactly and readably: ``1,048,576,000 bytes = 1000 MiB``."""
    if count == 1:
        return "1 byte"
    exact = f"{count:,} bytes"
    if count < 1024:
        return exact
    short = binary_size(count)
    whole = count % (1 << 10 * _UNITS.index(short.rsplit(" ", 1)[1])) == 0
    return f"{exact} {'=' if whole else '≈'} {short}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 entry``, ``2,048 entries``: a number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def visible(raw: bytes) -> str:
    """Untrusted bytes as text: UTF-8 with replacement, every control or invisible character written as an
    escape.

    The result has no character that could move a terminal's cursor, end a line or turn the reading direction.
    A caller bounds the length of ``raw``.
    """
    return visible_text(raw.decode("utf-8", "replace"))


def visible_text(text: str) -> str:
    """``text`` with every control or invisible character written as an escape; see :func:`visible`."""
    return "".join(_escaped(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
