"""Which live blocks there are. A room registers its own when it is ready; the page that shows them knows no room."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Embed:
    """A live block: ``{{ name argument }}`` on a line of its own in an article.

    ``draw`` gives its HTML, made by ``portal.embeds.drawing``, for any argument of at most 200 characters: where it
    means nothing to the room, a sentence that says so. Only what every visitor may see. ``stamp`` is cheap to make
    and differs when any answer of ``draw`` may differ.
    """

    name: str
    example: str
    says: str
    draw: Callable[[str], str]
    stamp: Callable[[], str]


_embeds: dict[str, Embed] = {}


def register(embed: Embed) -> None:
    """Let articles show ``embed``. Rooms do this when Django is ready."""
    _embeds[embed.name] = embed


def find(name: str) -> Embed | None:
    """The live block of that name; None where no room has one."""
    return _embeds.get(name)


def all_embeds() -> list[Embed]:
    """Every live block, by name."""
    return [_embeds[name] for name in sorted(_embeds)]
