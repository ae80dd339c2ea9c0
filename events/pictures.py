"""The picture that other sites show for a meetup (OpenGraph, 1200 by 630 pixels), drawn from its own facts."""

import hashlib
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1200, 630
VERSION = 1  # raise it when the drawing changes, so that stored pictures are drawn anew
_PAPER, _INK, _QUIET, _ACCENT, _FAINT = "#faf7f1", "#1c1e22", "#54575e", "#0b6e69", "#e4ddcf"
_MARGIN, _TEXT_WIDTH = 72, 760
_CELL, _CELLS = 40, 7  # the map on the right: squares of 40 pixels, seven a side
_SERIF: Final = "source-serif-4"
_SANS: Final = "inter"
Font = ImageFont.FreeTypeFont


def draw_card(*, eyebrow: str, title: str, lines: list[str], seed: str) -> bytes:
    """A PNG with a small heading, the title and up to three further lines; ``seed`` chooses the pattern beside them.

    Text that our fonts have no letters for is left out rather than drawn as boxes; a title of that kind gives way
    to the eyebrow.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    pen = ImageDraw.Draw(image)
    _draw_pattern(pen, seed)
    if not _has_letters(title):
        eyebrow, title = "Open Source Virtualization India", eyebrow
    pen.text((_MARGIN, _MARGIN), eyebrow[:60].upper(), _ACCENT, _font(_SANS, 24, 650))
    font, rows = _fit(title)
    y = 126.0
    for row in rows:
        pen.text((_MARGIN, y), row, _INK, font)
        y += font.size * 1.14
    small = _font(_SANS, 30, 500)
    y = max(y + 26, HEIGHT - 92 - 44 * len(lines[:3]))
    for line in lines[:3]:
        if _has_letters(line):
            pen.text((_MARGIN, y), _cut(line, small, WIDTH - 2 * _MARGIN), _QUIET, small)
            y += 44
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw_pattern(pen: ImageDraw.ImageDraw, seed: str) -> None:
    """A cluster map of its own for every meetup, as the portal's mark is one."""
    digest = hashlib.sha256(seed.encode()).digest()
    left = WIDTH - _MARGIN - _CELLS * _CELL
    for cell in range(_CELLS * _CELLS):
        value = digest[cell % len(digest)] ^ (cell * 37 & 0xFF)
        row, column = divmod(cell, _CELLS)
        x, y = left + column * _CELL, _MARGIN + row * _CELL
        colour = _ACCENT if value < 46 else "#b7c1ba" if value < 110 else _FAINT
        pen.rectangle((x, y, x + _CELL - 5, y + _CELL - 5), fill=colour)


def _fit(title: str) -> tuple[Font, list[str]]:
    """The largest size in which the title takes at most four rows; at the smallest it is cut."""
    for size in (68, 60, 52, 46):
        font = _font(_SERIF, size, 600)
        rows = _wrap(title, font)
        if len(rows) * size * 1.14 <= 330:
            return font, rows
    kept = rows[:6]
    return font, [*kept[:-1], _cut(kept[-1] + " …", font, _TEXT_WIDTH)] if len(rows) > 6 else kept


def _wrap(text: str, font: Font) -> list[str]:
    rows: list[str] = []
    for word in text.split():
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and font.getlength(longer) <= _TEXT_WIDTH:
            rows[-1] = longer
        else:
            rows.append(_cut(word, font, _TEXT_WIDTH))
    return rows or [""]


def _cut(text: str, font: Font, width: int) -> str:
    text = text[:200]
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@cache
def _font(family: str, size: int, weight: int) -> Font:
    """A vendored variable font (WOFF2, which FreeType reads) at a size in pixels and a weight."""
    folder: Path = next((settings.BASE_DIR / "static" / "vendor").glob(f"{family}-*"))
    font = ImageFont.truetype(next(folder.glob("*-wght-normal.woff2")), size)
    font.set_variation_by_axes([weight])
    return font


def _has_letters(text: str) -> bool:
    """Whether the fonts have every letter: one that they lack is drawn as the same box as any other they lack."""
    font = _font(_SERIF, 46, 600)
    box = bytes(font.getmask("\U0010fffd"))
    strange = {letter for letter in text if not letter.isascii() and not letter.isspace()}
    return bool(text.strip()) and all(bytes(font.getmask(letter)) != box for letter in strange)
