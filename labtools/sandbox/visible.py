"""Text from hostile files, made safe to store, compare and show as text."""

from __future__ import annotations

import re
from typing import Any

# Control characters other than newline and tab, and lone surrogates, which JSON can carry but UTF-8 cannot.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
# Characters that reorder or hide their neighbours (bidirectional controls, zero width space, BOM). The
# joiners U+200C and U+200D stay: several scripts of India need them.
_FORMAT = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def visible(text: str) -> str:
    """The text with control and reordering characters spelled out (`\\x00`, `\\u202e`)."""
    return _FORMAT.sub(_spell, _CONTROL.sub(_spell, text))


def visible_bytes(data: bytes) -> str:
    """Bytes as UTF-8 text; what is not UTF-8 becomes U+FFFD, control characters are spelled out."""
    return visible(data.decode("utf-8", "replace"))


def visible_json(value: Any) -> Any:
    """The same for every string in a JSON value, keys included."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [visible_json(item) for item in value]
    if isinstance(value, dict):
        return {visible(key): visible_json(item) for key, item in value.items()}
    return value


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
