"""Random damage: any metadata, any header field, the file's length."""

from __future__ import annotations

import random

from .sound import Image

_FIELDS = (
    8,
    16,
    20,
    24,
    32,
    36,
    40,
    44,
    48,
    52,
    56,
    60,
    64,
    68,
    72,
    79,
    80,
    87,
    88,
    95,
    96,
    99,
    100,
    103,
    104,
    108,
)


def damage_at_random(image: Image, chance: random.Random) -> list[str]:
    """Damage an image once to four times; returns what was done, in words."""
    return [_damage_once(image, chance) for _ in range(chance.choice((1, 1, 1, 2, 3, 4)))]


def _damage_once(image: Image, chance: random.Random) -> str:
    what = chance.random()
    if what < 0.06:
        image.length = max(
            512,
            image.length - chance.choice((1, 511, 512, image.cluster_size, chance.randrange(image.length))),
        )
        return f"cut to {image.length}"
    if what < 0.1:
        image.length += chance.choice((1, 512, image.cluster_size, image.cluster_size * 3 + 7))
        return f"grown to {image.length}"
    place = chance.choice(sorted(set(image.places.values())))
    offset = chance.choice(image.offsets(place))
    if place == "header":
        return _header(image, chance)
    piece = image.pieces[offset]
    used = [at for at in range(0, len(piece), 8) if any(piece[at : at + 8])]
    at = chance.choice(used) if used and chance.random() < 0.8 else chance.randrange(0, len(piece), 8)
    at = min(at + chance.choice((0, 0, 8)), len(piece) - 8)
    number = _number(image, chance, image.number(offset + at))
    image.put_number(offset + at, number)
    return f"{place} at {offset + at} set to {number:#x}"


def _number(image: Image, chance: random.Random, old: int) -> int:
    size, clusters = image.cluster_size, max(1, image.length // image.cluster_size)
    inside = chance.randrange(clusters) * size
    return (
        chance.choice(
            (
                0,
                old ^ 1 << chance.randrange(64),
                old ^ 1 << chance.randrange(64),
                old ^ 1 << 63,
                old ^ 1 << 62,
                old ^ 1,
                inside,
                inside | 1 << 63,
                inside | 1 << 63,
                inside + 512,
                (clusters + chance.randrange(-1, 4)) * size | 1 << 63,
                image.length,
                old + size,
                chance.getrandbits(64),
                1 << chance.randrange(64),
                inside | 1 << 62 | chance.getrandbits(16),
                2**64 - 1,
            )
        )
        % 2**64
    )


def _header(image: Image, chance: random.Random) -> str:
    at = chance.choice(_FIELDS) if chance.random() < 0.7 else chance.randrange(0, 256, 4)
    old = int.from_bytes(image.pieces[0][at : at + 4])
    number = (
        chance.choice(
            (0, 1, old + 1, old ^ 1 << chance.randrange(32), chance.getrandbits(32), image.cluster_size)
        )
        % 2**32
    )
    image.put(at, number.to_bytes(4))
    return f"header at {at} set to {number:#x}"
