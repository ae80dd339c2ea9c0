"""Images with something on every map."""

import io
from dataclasses import replace
from typing import Any

from labtools import qcow2
from labtools.qcow2.corpus.sound import Image, Recipe, build

OFFSET = 0x00FFFFFFFFFFFE00


_MANY = Recipe(cluster_bits=9, l2_tables=6, fill=0.7, most=60, snapshots=2, compressed=12, zeros=True)


def mapped_image(**recipe: Any) -> Image:
    """A sound image with data, compressed clusters, zeros and two snapshots; small clusters, so that it has many."""
    return build(replace(_MANY, **recipe), 7)


def damage(image: Image) -> int:
    """Set the refcount of a data cluster to 0; returns the cluster."""
    host = (image.number(image.data_entries()[5]) & OFFSET) // image.cluster_size
    image.set_refcount(host, 0)
    return host


def as_bytes(image: Image) -> bytes:
    """The file's content."""
    data = bytearray(image.length)
    for offset, piece in image.pieces.items():
        data[offset : offset + len(piece)] = piece
    return bytes(data[: image.length])


def atlas_bytes(content: bytes) -> bytes:
    """The map of an image, as it is stored."""
    with qcow2.open_image(io.BytesIO(content)) as source:
        found = qcow2.check_image(source, atlas=True).atlas
    assert found is not None
    return found
