"""What a reviewer would say first: pictures without words, dead links inside the portal, headings out of order.

Pure but for :class:`Known`, which says what else there is in the portal. Lines are found in the source by a reader of
its own, which knows fences and inline code; what is doubtful is left unsaid.
"""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from kb.markup import read_block
from kb.rendering import Rendered
from portal.embeds.drawing import says_nothing
from portal.embeds.registry import all_embeds

_FENCE = re.compile(r"^\s{0,12}(`{3,}|~{3,})(.*)$")
_TICKS = re.compile(r"`+")
_HEADING = re.compile(r"^(#{1,6})(?:\s+|$)(.*)$")
# The texts in brackets are bounded, and so is the time that a line takes.
_PICTURE = re.compile(r"!\[((?:[^\[\]\\]|\\.|\[[^\[\]]{0,400}\]){0,400})\](?=[(\[])")
_LINK = re.compile(r"(?<![!\\])\[(?:[^\[\]\\]|\\.|\[[^\[\]]{0,400}\]){0,400}\]\(\s*<?([^\s)>]*)")
_REFERENCE = re.compile(r"^\s{0,3}\[(?!\^)[^\]]+\]:\s*<?([^\s>]+)")
_ID = re.compile(r'\sid="s-([^"]*)"')
#: Words that say nothing of a picture.
_NO_WORDS = frozenset({"", "image", "picture", "screenshot", "img", "photo", "alt", "alt text"})
#: What an article has at most, whatever its length: what comes of it is drawn while somebody waits.
_MOST = {"lines": 10_000, "headings": 1_000, "fences": 1_000, "live blocks": 50}
_MOST |= {"brackets": 5_000, "abbreviations": 200, "cells of tables": 20_000}
_MOST |= {"lines that are indented very far": 0, "lines of quotes eight deep": 0}
_LONGEST_LINE = 8_000
#: Each bracket that is never closed is looked for to the end of its paragraph.
_BRACKETS_TOGETHER = 1_000
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_COUNTED = {
    "headings": re.compile(r"^[ \t>*+.)\d-]{0,20}(?:#|=+[ \t]*$|-+[ \t]*$)", re.MULTILINE),
    "fences": re.compile(r"^[ \t>]{0,20}(?:```|~~~)", re.MULTILINE),
    "live blocks": re.compile(r"^[ \t]{0,20}\{\{", re.MULTILINE),
    "brackets": re.compile(r"\["),
    "abbreviations": re.compile(r"^[ \t]{0,20}\*\[", re.MULTILINE),
    "cells of tables": re.compile(r"\|"),
    "lines of quotes eight deep": re.compile(r"^(?:[ \t]{0,3}>){8}", re.MULTILINE),
    "lines that are indented very far": re.compile(r"^[ \t]{160}", re.MULTILINE),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at. ``blocks``: the text is not sent before it is mended. ``line`` counts from 1."""

    line: int
    text: str
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What links may lead to. ``page`` says of a path whether the portal has a page there; ``section`` of a path and
    an id whether that page has such a heading, None where it cannot tell."""

    page: Callable[[str], bool]
    section: Callable[[str, str], bool | None]


def too_much(markdown: str) -> str:
    """Why a text is too intricate to be drawn, in a sentence; empty for all that people write."""
    lines = markdown.replace("\r", "\n").split("\n")
    found = {"lines": len(lines)} | {
        name: sum(1 for _ in counted.finditer(markdown)) for name, counted in _COUNTED.items()
    }
    for name, count in found.items():
        if count > _MOST[name]:
            return f"The text has {count:,} {name}; {_MOST[name]:,} are the most. Make it a series of shorter articles."
    together = max(each.count("[") for each in _PARAGRAPHS.split(markdown))
    if together > _BRACKETS_TOGETHER:
        return f"One paragraph has {together:,} brackets; {_BRACKETS_TOGETHER:,} are the most. Break it up."
    long = next((number for number, line in enumerate(lines, 1) if len(line) > _LONGEST_LINE), 0)
    return (
        f"Line {long} has more than {_LONGEST_LINE:,} characters. Break it into paragraphs." if long else ""
    )


def inspect(markdown: str, rendered: Rendered, known: Known) -> list[Remark]:
    """Everything to look at in a text, by line. ``rendered`` has the ids of its headings, and its live blocks."""
    ids = {html.unescape(one) for one in _ID.findall(rendered.html)}
    remarks: list[Remark] = []
    depth = 1
    for number, line in _prose(markdown):
        heading = _HEADING.match(line)
        if heading:
            remarks += _of_heading(number, len(heading[1]), depth)
            depth = max(2, len(heading[1]))
        remarks += [
            Remark(number, "This picture has no words for those who do not see it.", blocks=True)
            for alt in _PICTURE.findall(line)
            if alt.strip().casefold() in _NO_WORDS
        ]
        reference = _REFERENCE.match(line)
        targets = [reference[1]] if reference else _LINK.findall(line)
        remarks += [Remark(number, said) for target in targets if (said := _of_link(target, ids, known))]
        if said := _of_block(line, rendered):
            remarks.append(Remark(number, said))
    return remarks


def _prose(markdown: str) -> Iterator[tuple[int, str]]:
    """Numbered lines outside fences, with inline code blanked."""
    fence = ""
    for number, line in enumerate(markdown.split("\n"), 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
        else:
            yield number, _without_code(line)


def _without_code(line: str) -> str:
    """A line whose inline code is gone: what stands between two runs of equally many backticks."""
    runs = list(_TICKS.finditer(line))
    ends: dict[int, list[int]] = {}
    for index, run in enumerate(runs):
        ends.setdefault(len(run[0]), []).append(index)
    kept, at, index = [], 0, 0
    while index < len(runs):
        same = ends[len(runs[index][0])]
        while same and same[0] <= index:
            same.pop(0)
        if same:
            kept.append(line[at : runs[index].start()])
            index = same[0]
            at = runs[index].end()
        index += 1
    return "``".join([*kept, line[at:]])


def _of_heading(number: int, level: int, depth: int) -> Iterator[Remark]:
    if level == 1:
        yield Remark(number, "“#” is the title's own level, which stands above the text; begin with “##”.")
    elif level > depth + 1:
        yield Remark(
            number,
            f"This heading is of level {level}, the one before it of level {depth}: "
            f"readers who jump from heading to heading miss one. Use “{'#' * (depth + 1)}”.",
        )


def _of_block(line: str, rendered: Rendered) -> str:
    """What is wrong with the live block that a line asks for; empty for good ones, and for every other line."""
    asked = read_block(line)
    if asked is None or asked not in rendered.drawn:
        return ""
    block = rendered.drawn[asked]
    if block is None:
        names = ", ".join(embed.name for embed in all_embeds())
        return (
            f"There is no live block “{asked[0]}”: readers see this line as it is. These there are: {names}."
        )
    if says_nothing(block):
        called = " ".join(asked).strip()[:80]
        return f"The live block “{called}” has no answer now: readers are told that there is none."
    return ""


def _of_link(target: str, ids: set[str], known: Known) -> str:
    """What is wrong with a link inside the portal; empty for good ones and for those that lead elsewhere."""
    try:
        parts = urlsplit(html.unescape(target))
    except ValueError:
        return f"“{target[:80]}” is no address."
    if parts.scheme or parts.netloc:
        return ""
    section = unquote(parts.fragment).removeprefix("s-")
    if not parts.path:
        if target.startswith("#") and section and section not in ids:
            return f"There is no heading “#{section[:80]}” in this text."
        return "" if target else "This link leads nowhere."
    if not parts.path.startswith("/"):
        return f"“{target[:80]}” is no whole address: write /kb/… for an article of the portal."
    if not known.page(parts.path):
        return f"The portal has no page at {parts.path[:80]}."
    if section and known.section(parts.path, section) is False:
        return f"{parts.path[:80]} has no heading “#{section[:80]}”."
    return ""
