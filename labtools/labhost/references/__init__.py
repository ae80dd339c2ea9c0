"""Reference versions: what Debian's own builds of QEMU can do, measured once and kept with the project.

A document for each suite, as :mod:`labtools.labhost.labprobe` printed it for five targets under ``tcg``, without
what was the measuring machine's: its kernel and its KVM. ``bin/measure-qemu`` makes them again.
"""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MANIFEST = FOLDER / "manifest.json"


@dataclass(frozen=True, slots=True)
class Reference:
    """One Debian suite's QEMU. ``content_hash`` is the document's, known without reading it."""

    slug: str
    suite: str
    title: str
    qemu: str
    measured_at: datetime
    content_hash: str

    @property
    def path(self) -> Path:
        """The compressed document."""
        return document_path(self.slug)

    def document(self) -> bytes:
        """The document as labprobe prints it (about 2 MB)."""
        return lzma.decompress(self.path.read_bytes(), format=lzma.FORMAT_XZ)


def document_path(slug: str) -> Path:
    """Where the document of a reference is kept."""
    return FOLDER / f"{slug}.json.xz"


def read_manifest() -> dict[str, Any]:
    """The entries of the manifest by slug, oldest suite first; empty before the first measuring."""
    return dict(json.loads(MANIFEST.read_text())) if MANIFEST.exists() else {}


def references() -> tuple[Reference, ...]:
    """All references, oldest suite first."""
    return tuple(
        Reference(
            slug=slug,
            suite=entry["suite"],
            title=entry["title"],
            qemu=entry["qemu"],
            measured_at=datetime.strptime(entry["measured_on"], "%Y-%m-%d").replace(tzinfo=UTC),
            content_hash=entry["content_hash"],
        )
        for slug, entry in read_manifest().items()
    )
