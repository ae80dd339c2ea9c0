"""Read a ``-device`` option, a QEMU command line or a libvirt domain, and check it against what a QEMU can do.

Nothing of the text is run. What QEMU checks only when it makes a device, and what a machine type changes, is in no
snapshot: nothing is claimed about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from .checks import Checker
from .command import find_program, read_command, read_device
from .domain import read_domain
from .facts import Facts
from .findings import Finding, Lines, Place, Severity
from .pasted import Kind, Pasted, PasteError

#: Bytes (in UTF-8) of a text.
MAX_TEXT = 256 << 10

__all__ = [
    "MAX_TEXT",
    "Facts",
    "Finding",
    "Kind",
    "PasteError",
    "Pasted",
    "Place",
    "Severity",
    "lint",
    "read_pasted",
]


def read_pasted(text: str) -> Pasted:
    """What ``text`` says; :class:`PasteError` if it cannot be read.

    What begins with ``<`` is XML, what begins with an option or names QEMU is a command line, the rest is the value
    of a ``-device`` option.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise PasteError(f"The text is larger than {MAX_TEXT >> 10} KiB.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise PasteError("There is no text.")
    if any(not (sign.isprintable() or sign in "\n\t") for sign in text):
        text = "".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in text)
    lines = Lines(text)
    start = text.lstrip()
    if start.startswith("<"):
        return read_domain(text, lines)
    if find_program(text) is not None:
        return read_command(text, lines)
    return read_device(text, lines)


def lint(pasted: Pasted, facts: Facts, others: Sequence[Facts] = ()) -> tuple[Finding, ...]:
    """What is to say about ``pasted`` on the QEMU of ``facts``, worst first.

    ``others`` are asked where something is not there.
    """
    return Checker(pasted, facts, others).run()
