"""Versions of programs that rooms see in use, for readers who say with which something worked.

A room registers what gives them; who asks knows no room. Everything is what every visitor may see.
"""

from collections.abc import Callable

_seen: dict[str, Callable[[], list[str]]] = {}


def register(room: str, seen: Callable[[], list[str]]) -> None:
    """Let ``seen`` answer for ``room``: what runs together, in words, such as ``QEMU 10.0.2, libvirt 11.3.0``.

    What is likeliest comes first. Rooms do this when Django is ready.
    """
    _seen[room] = seen


def versions_seen() -> list[str]:
    """What all rooms see in use, each once."""
    return list(dict.fromkeys(version for seen in _seen.values() for version in seen()))
