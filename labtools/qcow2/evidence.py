"""The bytes behind a finding: the table entries that it names, each byte and bit with its meaning.

The image is deleted when its check has ended, so they are gathered then: a few of each kind of finding. Where a finding
names a cluster, they are its refcount and the entries that lead to it. Nothing is taken from a cluster that holds data
of the guest by any L2 entry, nor from a LUKS header. What the entries say is data of the image, and trusted in nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .annotated import Part
from .checking import ENTRIES, CheckBoundError, CheckBounds, CheckReport
from .errors import ImageError
from .header import read_header, read_values
from .source import ImageSource

PER_FINDING: Final = ENTRIES
"""Entries of one kind of finding that are kept."""
MOST: Final = 192
"""Entries of one image that are kept."""
SECONDS: Final = 30.0
"""The time that it may take."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry that a finding of kind ``code`` names: ``data`` from byte ``offset`` of the file, part by part.

    ``layout`` is the id of its table in :func:`.format_tables`, or "refcount", which that explains in words.
    ``subject`` is the offset of the host cluster that the entry counts or leads to, where the finding names a cluster,
    and ``role`` says in words which entry it is.
    """

    code: str
    layout: str
    offset: int
    data: bytes
    parts: tuple[Part, ...]
    subject: int | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The entries, in the order of the findings. By the code of the finding, ``more`` counts what of its kind is not
    shown, and ``withheld`` the entries left out because data of the guest lies in their cluster. ``note`` says why
    nothing was gathered, or is empty.
    """

    entries: tuple[Evidence, ...] = ()
    more: tuple[tuple[str, int], ...] = ()
    withheld: tuple[tuple[str, int], ...] = ()
    note: str = ""


def gather_evidence(source: ImageSource, report: CheckReport, seconds: float = SECONDS) -> Gathered:
    """The entries that the findings of ``report`` name, at most :data:`PER_FINDING` of each and :data:`MOST` in all.

    ``source`` is the image that was checked. Goes once or twice more through its L2 tables if anything was found at
    all, in ``seconds`` at most. What cannot be read is left out.
    """
    if not report.findings:
        return Gathered()
    # NumPy takes a tenth of a second to import.
    from .integrity.gathering import gather
    from .integrity.opening import refusals
    from .integrity.reading import Reader

    try:
        header, values = read_header(source), read_values(source)
        if refusals(header, values):
            return Gathered()
        return gather(Reader(source, CheckBounds(seconds=seconds)), header, values, report, MOST)
    except CheckBoundError:
        return Gathered(
            note="The image leads to too many tables for the bytes of its entries to be gathered in time."
        )
    except ImageError:
        return Gathered()


def evidence_json(found: Gathered) -> dict[str, Any]:
    """The same as JSON values; numbers beyond 53 bits are text, so that every reader keeps them whole."""
    return {
        "evidence": [
            {
                "code": one.code,
                "layout": one.layout,
                "offset": one.offset,
                "data": one.data.hex(),
                "subject": one.subject,
                "role": one.role,
                "parts": [
                    {
                        "place": part.place,
                        "name": part.name,
                        "value": part.value if isinstance(part.value, str) else f"0x{part.value:x}",
                        "meaning": part.meaning,
                        "broken": part.is_broken,
                    }
                    for part in one.parts
                ],
            }
            for one in found.entries
        ],
        "evidence_more": dict(found.more),
        "evidence_withheld": dict(found.withheld),
        "evidence_note": found.note,
    }
