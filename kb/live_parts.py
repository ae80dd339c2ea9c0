"""What rooms put into a text now: their live blocks, and links from the names that they know."""

from collections.abc import Collection, Iterable, Mapping

from django.utils.html import format_html

from kb.markup import Parts
from kb.mentions import MAX_CANDIDATES, in_inline_code
from portal.embeds.drawing import draw
from portal.embeds.names import Known, look_up
from portal.embeds.registry import find


def live_parts(badges: Mapping[str, str] | None = None) -> Parts:
    """For ``kb.rendering.render``: on a reader's page, in the preview, and for reviewers."""
    return Parts(embed=_draw_block, badges=badges or {}, names=_name_links)


def _draw_block(name: str, argument: str) -> str | None:
    embed = find(name)
    return None if embed is None else embed.draw(argument)


def parts_of_old_text() -> Parts:
    """For a text as it once was: in the place of a live block stands which one it asks for.

    The rooms answer for today, which would be no word of the old text, and could not be kept with it.
    """
    return Parts(embed=_name_block)


def _name_block(name: str, argument: str) -> str | None:
    return draw("kb/embeds/named.html", {"name": name, "argument": argument}) if find(name) else None


def _name_links(codes: Collection[str]) -> Mapping[str, str]:
    """What stands in the place of inline code that names something: the code as a link, by its text."""
    return {code: _link(code, known) for code, known in _known_codes(codes).items()}


def _known_codes(codes: Iterable[str]) -> dict[str, Known]:
    asked = {code: one for code in dict.fromkeys(codes) if (one := in_inline_code(code))}
    found = look_up(list(dict.fromkeys(asked.values()))[:MAX_CANDIDATES])
    return {code: found[one] for code, one in asked.items() if one in found}


def _link(code: str, known: Known) -> str:
    # Rooms give addresses of this portal; whatever else came would be left out.
    assert known.url.startswith("/")
    return format_html(
        '<a class="lab-name" href="{}" data-card="{}"><code>{}</code></a>', known.url, known.card, code
    )
