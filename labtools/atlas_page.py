"""A stored atlas as pictures: cells in rows, with the tables that say the same. No database, no HTML.

However large the image, a picture has at most :data:`CELLS` cells; a part of it is drawn by its bytes ``from`` and
``to``, and one cluster told by the byte ``at``, all of them in the address, so that every view has a link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from labtools.qcow2 import Cell, GuestState, Role, binary_size, counted

if TYPE_CHECKING:
    from labtools.qcow2 import Atlas

COLUMNS = 64
CELLS = 768
"""Twelve rows of :data:`COLUMNS`."""
PARTS = 16
"""Rows of the table that says what the picture shows."""
DAMAGE = 12
"""Damaged places that are listed."""
STEP = 10
"""Units of the picture from one cell to the next."""

FREE, DATA = Role.FREE, Role.DATA
ROLE_CSS = {
    Role.HEADER: "c-head",
    Role.REFCOUNT_TABLE: "c-ref",
    Role.REFCOUNT_BLOCK: "c-ref",
    Role.L1_TABLE: "c-l1",
    Role.SNAPSHOT_TABLE: "c-snap",
    Role.L2_TABLE: "c-l2",
    Role.DATA: "c-data",
    Role.COMPRESSED: "c-comp",
    Role.FREE: "c-free",
}
"""The rest, bitmaps and the LUKS header, is ``c-other``."""
STATE_CSS = {
    GuestState.UNALLOCATED: "c-free",
    GuestState.ZERO: "c-other",
    GuestState.COMPRESSED: "c-comp",
    GuestState.DATA: "c-data",
}


@dataclass(frozen=True)
class Shown:
    """A cell of a picture, with its place in the picture and where it leads."""

    x: int
    y: int
    css: str
    href: str
    title: str


@dataclass(frozen=True)
class Kind:
    """A line of the legend: a colour, its words, and how much of it the part has."""

    css: str
    words: str
    clusters: int
    size: str


@dataclass(frozen=True)
class Part:
    """A row of the table that says what the picture shows."""

    place: str
    size: str
    href: str
    contents: str
    damage: str


@dataclass(frozen=True)
class Link:
    """Where one may go from here."""

    words: str
    href: str


@dataclass(frozen=True)
class Picture:
    """A part of a file or of a guest's disk, drawn. ``marks`` is the path of the crosses on damaged cells."""

    width: int
    height: int
    cells: tuple[Shown, ...]
    marks: str
    kinds: tuple[Kind, ...]
    summary: str
    cell_words: str
    parts: tuple[Part, ...]
    damage: tuple[Link, ...]
    damage_more: int
    ways: tuple[Link, ...]
    first: int
    stop: int
    note: str
    is_whole: bool


@dataclass(frozen=True)
class Strip:
    """A layer of the guest's disk in one row of cells."""

    label: str
    href: str
    width: int
    height: int
    cells: tuple[Shown, ...]
    marks: str
    contents: str
    damage: str


@dataclass(frozen=True)
class View:
    """What the address asks for, in clusters: a part that is not empty, and the cluster that is told, if any.

    ``problem`` says what of the address could not be followed.
    """

    first: int
    stop: int
    at: int | None
    problem: str = ""


def view_of(params: Mapping[str, Any], size: int, clusters: int) -> View:
    """Read ``from``, ``to`` and ``at``, bytes in decimal or hexadecimal, within ``clusters`` clusters of ``size``."""
    numbers: dict[str, int] = {}
    problem = ""
    for name in ("from", "to", "at"):
        text = str(params.get(name, "")).strip()
        if not text:
            continue
        try:
            numbers[name] = _number(text)
        except ValueError:
            problem = (
                f"“{text[:40]}” is not an offset. Write bytes, decimal or hexadecimal: 65536 or 0x10000."
            )
    at = numbers["at"] // size if "at" in numbers else None
    if at is not None and at >= clusters:
        at, problem = (
            None,
            f"There is nothing at {_hex(numbers['at'])}: the end is at {_hex(clusters * size)}.",
        )
    first, stop = numbers.get("from", 0) // size, -(-numbers.get("to", clusters * size) // size)
    if at is not None and not {"from", "to"} & set(numbers):
        first = max(0, min(at - CELLS // 2, clusters - CELLS))
        stop = first + CELLS
    first, stop = min(first, max(clusters - 1, 0)), min(stop, clusters)
    if first >= stop:
        first, stop = 0, clusters
    return View(first, stop, at, problem)


def _number(text: str) -> int:
    number = int(text[:40].replace(",", ""), 0)
    if number < 0:
        raise ValueError(text)
    return number


# ------------------------------------------------------------------------------------------------ pictures


@dataclass(frozen=True)
class Maps:
    """Both pictures for the report: the whole file, and the guest's disk by layer."""

    file: Picture
    disks: tuple[Strip, ...]
    layers_more: int


def overview(atlas: Atlas, names: Mapping[int, str]) -> Maps:
    """For the report's own page, below which the pages of the maps are."""
    return Maps(
        file_picture(atlas, View(0, atlas.clusters, None), "map/"),
        strips(atlas, names, "disk/"),
        atlas.layers_more,
    )


def file_picture(atlas: Atlas, view: View, base: str = "") -> Picture:
    """The host clusters of a part of the file. ``base`` is the address of the map's page, seen from this one."""
    drawing = _Drawing(
        size=atlas.cluster_size,
        total=atlas.clusters,
        cells=atlas.file_cells,
        damage=atlas.file_damage,
        css=lambda kind: ROLE_CSS.get(Role(kind), "c-other"),
        words=lambda kind: Role(kind).words,
        link=lambda **params: f"{base}?{urlencode(params)}",
    )
    note = ""
    if atlas.file_grain > 1:
        note = (
            f"The image is so scattered that {counted(atlas.file_grain, 'neighbouring cluster')} were kept as one: "
            "with the role that most of them have, and as damaged where one is."
        )
    return drawing.picture(view, note)


def disk_picture(atlas: Atlas, layer: int, view: View, base: str = "") -> Picture:
    """The guest's disk, or a part of it, in one layer."""
    facts = atlas.layers[layer]
    note = ""
    if facts.grain > 1:
        note = (
            f"The disk is so scattered that {counted(facts.grain, 'neighbouring cluster')} were kept as one; "
            "what holds any data is shown as data."
        )
    return _disk_drawing(atlas, layer, base).picture(view, note)


def strips(atlas: Atlas, names: Mapping[int, str], base: str = "") -> tuple[Strip, ...]:
    """Every mapped layer in one row of cells, all of them on the scale of the largest disk."""
    largest = max((layer.clusters for layer in atlas.layers), default=0)
    per_cell = max(1, -(-largest // COLUMNS))
    found = []
    for number, layer in enumerate(atlas.layers):
        if not layer.clusters:
            continue
        drawing = _disk_drawing(atlas, number, base)
        cells = atlas.disk_cells(number, 0, layer.clusters, per_cell)
        shown, marks = drawing.draw(cells, View(0, layer.clusters, None))
        damaged = sum(cell.damaged for cell in cells)
        found.append(
            Strip(
                label=layer_name(layer.snapshot, names),
                href=f"{base}?{urlencode({'layer': layer_key(layer.snapshot)})}",
                width=-(-largest // per_cell) * STEP,
                height=STEP,
                cells=shown,
                marks=marks,
                contents=drawing.contents(cells),
                damage=binary_size(damaged * atlas.cluster_size) if damaged else "none",
            )
        )
    return tuple(found)


def _disk_drawing(atlas: Atlas, layer: int, base: str) -> _Drawing:
    key = layer_key(atlas.layers[layer].snapshot)
    return _Drawing(
        size=atlas.cluster_size,
        total=atlas.layers[layer].clusters,
        cells=lambda first, stop, per_cell: atlas.disk_cells(layer, first, stop, per_cell),
        damage=lambda first, stop, most: atlas.disk_damage(layer, first, stop, most),
        css=lambda kind: STATE_CSS[GuestState(kind)],
        words=lambda kind: state_words(GuestState(kind), backed=atlas.backed),
        link=lambda **params: f"{base}?{urlencode({'layer': key, **params})}",
    )


def state_words(state: GuestState, *, backed: bool) -> str:
    """Where the guest's bytes come from."""
    return {
        GuestState.UNALLOCATED: "in the backing file" if backed else "unallocated",
        GuestState.ZERO: "zero",
        GuestState.COMPRESSED: "compressed",
        GuestState.DATA: "data",
    }[state]


def layer_key(snapshot: int | None) -> str:
    """A layer's name in an address."""
    return "active" if snapshot is None else str(snapshot)


def layer_name(snapshot: int | None, names: Mapping[int, str]) -> str:
    """A layer's name for people; snapshots are counted from 1."""
    if snapshot is None:
        return "Active image"
    name = names.get(snapshot, "")
    return f"Snapshot {snapshot + 1}: {name}" if name else f"Snapshot {snapshot + 1}"


def per_cell_of(clusters: int, cells: int) -> int:
    """How many clusters stand in one cell: a power of two, so that a cell divides evenly when one goes into it."""
    per_cell = 1
    while per_cell * cells < clusters:
        per_cell *= 2
    return per_cell


@dataclass(frozen=True)
class _Drawing:
    """How to draw one map: its cells, and their colours and words. Sizes are bytes of a cluster."""

    size: int
    total: int
    cells: Callable[[int, int, int], tuple[Cell, ...]]
    damage: Callable[[int, int, int], tuple[tuple[tuple[int, int], ...], int]]
    css: Callable[[int], str]
    words: Callable[[int], str]
    link: Callable[..., str]

    def picture(self, view: View, note: str) -> Picture:
        clusters = view.stop - view.first
        per_cell = per_cell_of(clusters, CELLS)
        cells = self.cells(view.first, view.stop, per_cell)
        shown, marks = self.draw(cells, view)
        damage, more = self.damage(view.first, view.stop, DAMAGE)
        summary = f"{self.place(view.first, clusters)}: {self.contents(cells)}"
        end = "" if any(cell.damaged for cell in cells) else "; nothing is damaged"
        parts = self.cells(view.first, view.stop, per_cell_of(clusters, PARTS)) if clusters > 1 else ()
        return Picture(
            width=COLUMNS * STEP,
            height=max(1, -(-len(cells) // COLUMNS)) * STEP,
            cells=shown,
            marks=marks,
            kinds=tuple(self.kinds(cells)),
            summary=f"{summary}{end}.",
            cell_words=f"Each cell is {counted(per_cell, 'cluster')}, {binary_size(per_cell * self.size)}.",
            parts=tuple(self.part(cell) for cell in parts),
            damage=tuple(self.damage_link(*place) for place in damage),
            damage_more=more,
            ways=tuple(self.ways(view)),
            first=view.first * self.size,
            stop=view.stop * self.size,
            note=note,
            is_whole=clusters == self.total,
        )

    def draw(self, cells: tuple[Cell, ...], view: View) -> tuple[tuple[Shown, ...], str]:
        """The cells in rows, and the path of the crosses on those that are damaged."""
        shown, marks = [], []
        for number, cell in enumerate(cells):
            x, y = number % COLUMNS * STEP, number // COLUMNS * STEP
            if cell.damaged:
                css = "c-bad"
                marks.append(f"M{x + 2} {y + 2}l5 5m0-5l-5 5")
            else:
                css = "c-leak" if 2 * cell.leaked > cell.count else self.css(cell.shares[0][0])
            if view.at is not None and cell.first <= view.at < cell.first + cell.count:
                css += " is-marked"
            title = f"{self.place(cell.first, cell.count)}: {self.contents((cell,))}"
            shown.append(Shown(x, y, css, self.into(cell, view), title))
        return tuple(shown), "".join(marks)

    def into(self, cell: Cell, view: View) -> str:
        """Into a cell: its part alone, or, for one cluster, what it is."""
        if cell.count > 1:
            return self.link(**self.bytes_of(cell.first, cell.count)) + "#map"
        part = self.bytes_of(view.first, view.stop - view.first)
        return self.link(**part, at=hex(cell.first * self.size)) + "#cluster"

    def bytes_of(self, first: int, count: int) -> dict[str, str]:
        return {"from": hex(first * self.size), "to": hex((first + count) * self.size)}

    def place(self, first: int, count: int) -> str:
        return f"{_hex(first * self.size)} to {_hex((first + count) * self.size - 1)}"

    def contents(self, cells: tuple[Cell, ...]) -> str:
        """The kinds of some cells with their clusters, most first."""
        sums: dict[int, int] = {}
        for cell in cells:
            for kind, count in cell.shares:
                sums[kind] = sums.get(kind, 0) + count
        leaked, damaged = sum(cell.leaked for cell in cells), sum(cell.damaged for cell in cells)
        order = sorted(sums.items(), key=lambda share: -share[1])
        parts = [f"{self.words(kind)} {count:,}" for kind, count in order]
        if leaked:
            parts.append(f"of it leaked {leaked:,}")
        if damaged:
            parts.append(f"damaged {damaged:,}")
        return ", ".join(parts)

    def kinds(self, cells: tuple[Cell, ...]) -> Iterator[Kind]:
        """The legend: what there is, most first, and damage and leaks behind."""
        sums: dict[tuple[str, str], int] = {}
        for cell in cells:
            for kind, count in cell.shares:
                key = (self.css(kind), self.words(kind))
                sums[key] = sums.get(key, 0) + count
        for (css, words), count in sorted(sums.items(), key=lambda share: -share[1]):
            yield Kind(css, _capital(words), count, binary_size(count * self.size))
        for css, words, count in (
            ("c-leak", "Leaked", sum(cell.leaked for cell in cells)),
            ("c-bad", "Damaged", sum(cell.damaged for cell in cells)),
        ):
            if count:
                yield Kind(css, words, count, binary_size(count * self.size))

    def part(self, cell: Cell) -> Part:
        return Part(
            place=self.place(cell.first, cell.count),
            size=binary_size(cell.count * self.size),
            href=self.into(cell, View(cell.first, cell.first + cell.count, None)),
            contents=self.contents((cell,)),
            damage=counted(cell.damaged, "cluster") if cell.damaged else "none",
        )

    def damage_link(self, first: int, count: int) -> Link:
        words = f"{self.place(first, count)}, {counted(count, 'cluster')}"
        return Link(words, self.link(at=hex(first * self.size)) + "#cluster")

    def ways(self, view: View) -> Iterator[Link]:
        """Out of a part, and beside it."""
        count = view.stop - view.first
        if count == self.total:
            return
        if view.first > 0:
            first = max(0, view.first - count)
            yield Link("Earlier", self.link(**self.bytes_of(first, count)) + "#map")
        if view.stop < self.total:
            last = min(count, self.total - view.stop)
            yield Link("Later", self.link(**self.bytes_of(view.stop, last)) + "#map")
        wide = min(count * 16, self.total)
        if wide < self.total:
            first = max(0, min(view.first // wide * wide, self.total - wide))
            yield Link("Wider", self.link(**self.bytes_of(first, wide)) + "#map")
        yield Link("All of it", self.link(**self.bytes_of(0, self.total)) + "#map")


def _hex(offset: int) -> str:
    return f"{offset:#x}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
