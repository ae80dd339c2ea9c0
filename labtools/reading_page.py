"""Our check of an image's tables, as stored, as the rows of its part of the report. No database, no HTML.

What the image chose (names of partitions and snapshots) is text like any other, to be escaped where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labtools import bytes_page, header_rows
from labtools.advice import ADVICE, STOP, Advice
from labtools.atlas_page import layer_key, layer_name
from labtools.bytes_page import FindingBytes
from labtools.header_rows import Fact, Json
from labtools.qcow2 import binary_size, counted

RANGES = 8
"""Ranges of one finding that the page lists; the JSON has them all."""
Names = Mapping[int, str]
"""Names of snapshots by their place in the table."""
TONES = {"error": "bad", "warning": "warn"}
_SLOW = {"repair-on-copy", "rebuild-on-copy", "salvage", "second-writer", "convert-fresh", "do-not-repair"}
"""Advice before which the guest is stopped and the file is copied."""


@dataclass(frozen=True)
class GuestPlace:
    """A run of sectors of the guest's disk, and whose: the active image's or a snapshot's."""

    layer: str
    sectors: str
    size: str
    partitions: str
    layer_key: str
    offset: int


@dataclass(frozen=True)
class HostPlace:
    """A run of bytes of the file."""

    offset: int
    text: str


@dataclass(frozen=True)
class ReadingRow:
    """A kind of finding with all that is of it."""

    id: str
    tag: str
    tone: str
    title: str
    sentence: str
    hosts: tuple[HostPlace, ...]
    hosts_more: int
    guests: tuple[GuestPlace, ...]
    guests_more: int
    guests_complete: bool
    advice: tuple[Advice, ...]
    bytes: FindingBytes | None
    passed: bool
    """Whether it is of a kind that ``qemu-img check`` says nothing about, which came to its end."""


@dataclass(frozen=True)
class PartitionRow:
    """A partition of the guest's disk."""

    name: str
    type: str
    place: str
    size: str


@dataclass(frozen=True)
class PartitionRows:
    """The partition table of a layer."""

    id: str
    title: str
    rows: tuple[PartitionRow, ...]
    more: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class BitmapRow:
    """A persistent bitmap."""

    name: str
    granularity: str
    state: str


@dataclass(frozen=True)
class Reading:
    """The whole part. ``given_up`` says why there is nothing, or is empty. ``tally`` is in words."""

    given_up: str
    tally: str
    rows: tuple[ReadingRow, ...]
    numbers: tuple[Fact, ...]
    tables: tuple[PartitionRows, ...]
    note: str
    encryption: tuple[Fact, ...]
    payload: str
    bitmaps: tuple[BitmapRow, ...] = ()
    bitmaps_more: int = 0
    bytes_note: str = ""
    header_bytes: tuple[FindingBytes, ...] = ()
    """What the header's rules found in the snapshot table, which is not in the header's dump."""


def reading_of(result: Json) -> Reading | None:
    """The part, or None for a report that was made before there was one, or of a file that is no image."""
    told = result.get("reading")
    if not told:
        return None
    if "error" in told:
        return Reading(told["error"]["sentence"], "", (), (), (), "", (), "")
    in_header = [each["code"] for each in (result.get("header") or {}).get("problems", ())]
    found = [each for each in told["findings"] if each["code"] not in in_header]
    names = header_rows.snapshot_names(result.get("header"))
    clean = (((result.get("check") or {}).get("run")) or {}).get("outcome") == "clean"
    return Reading(
        given_up="",
        tally=_tally(found),
        rows=tuple(_row(each, names, clean, told) for each in found),
        numbers=tuple(_numbers(told)),
        tables=tuple(_table(each, names) for each in told.get("partition_tables", ())),
        note=told.get("partitions_note") or "",
        encryption=tuple(_encryption(told.get("encryption"))),
        payload=_payload(told.get("payload")),
        bitmaps=tuple(_bitmap(each) for each in told.get("bitmaps", ())),
        bitmaps_more=told.get("bitmaps_more", 0),
        bytes_note=told.get("evidence_note", ""),
        header_bytes=tuple(
            each for code in dict.fromkeys(in_header) if (each := bytes_page.bytes_of(told, code))
        ),
    )


def agreement(result: Json) -> str:
    """Whether our numbers are those of ``qemu-img check``, and why not; empty where one of the two has none."""
    ours = (result.get("reading") or {}).get("reference")
    theirs = (result.get("check") or {}).get("numbers")
    if not ours or not theirs:
        return ""
    apart = [
        f"{name} ({ours[name]:,} and {theirs[name]:,})"
        for name in ("check-errors", "corruptions", "leaks", "allocated-clusters", "image-end-offset")
        if theirs.get(name) is not None and ours.get(name) != theirs[name]
    ]
    if not apart:
        return "Our check of the tables counts the same corruptions, leaks and clusters as qemu-img check."
    why = (
        "The LUKS header was not sent, and its clusters are counted in one of the two."
        if (result.get("supplied") or {}).get("luks_header_bytes")
        else "We count as QEMU 7.2 does; other versions stop earlier or count an entry under another name. The worse "
        "of the two stands in the verdict."
    )
    return f"Our check and qemu-img check differ in {', '.join(apart)}, ours first. {why}"


def _tally(found: list[Json]) -> str:
    words = []
    for severity, noun in (("error", "kind of error"), ("warning", "kind of warning"), ("note", "note")):
        count = sum(each["severity"] == severity for each in found)
        if count:
            plural = noun.replace("kind", "kinds") if noun.startswith("kind") else "notes"
            words.append(counted(count, noun, plural))
    return ", ".join(words)


def _row(finding: Json, names: Names, clean: bool, told: Json) -> ReadingRow:
    wanted = ADVICE.get(finding["advice"], ())
    guests = finding["guest_ranges"]
    hosts = finding["host_ranges"]
    return ReadingRow(
        id=f"reading-{finding['code']}",
        tag=finding["severity"],
        tone=TONES.get(finding["severity"], "note"),
        title=bytes_page.words_of(finding["code"]),
        sentence=finding["sentence"],
        hosts=tuple(
            HostPlace(each["offset"], f"0x{each['offset']:x}, {binary_size(each['length'])}")
            for each in hosts[:RANGES]
        ),
        hosts_more=len(hosts) - len(hosts[:RANGES]) + finding["host_ranges_more"],
        guests=tuple(_guest(each, names) for each in guests[:RANGES]),
        guests_more=len(guests) - len(guests[:RANGES]) + finding["guest_ranges_more"],
        guests_complete=finding["guest_complete"],
        advice=((STOP, *wanted) if finding["advice"] in _SLOW else wanted),
        bytes=bytes_page.bytes_of(told, finding["code"]),
        passed=clean and finding["severity"] != "note",
    )


def _guest(part: Json, names: Names) -> GuestPlace:
    snapshot = part["snapshot"]
    return GuestPlace(
        layer=layer_name(snapshot, names),
        sectors=f"LBA {part['first_lba']:,} to {part['last_lba']:,}",
        size=binary_size(part["length"]),
        partitions=", ".join(str(each) for each in part.get("partitions", ())),
        layer_key=layer_key(snapshot),
        offset=part["offset"],
    )


def _numbers(told: Json) -> Iterator[Fact]:
    reference, cluster = told["reference"], told["cluster_size"] or 0
    if not reference:
        return
    total, allocated = reference["total-clusters"], reference["allocated-clusters"]
    yield Fact("Guest clusters", f"{total:,}")
    yield Fact(
        "Allocated", f"{allocated:,} ({_percent(allocated, total)}, {binary_size(allocated * cluster)})"
    )
    yield Fact(
        "Fragmented",
        f"{reference['fragmented-clusters']:,} ({_percent(reference['fragmented-clusters'], allocated)})",
    )
    yield Fact("Compressed", f"{reference['compressed-clusters']:,}")
    # What compressed clusters would need is not known, and with an external data file none of it is in this one.
    if allocated and told["roles"].get("data") and not reference["compressed-clusters"]:
        free = told["file_length"] - allocated * cluster - _tables_bytes(total, cluster)
        yield Fact(
            "A convert would free",
            f"about {binary_size(free)}, of snapshots and bitmaps, which it leaves behind, and of what nothing uses"
            if free >= cluster
            else "nothing worth it",
        )
    for name, count in told["roles"].items():
        if name != "free":
            yield Fact(f"Clusters: {name}", f"{count:,}")


def _tables_bytes(guest_clusters: int, cluster: int) -> int:
    """What a fresh image needs for its tables: header, L1, L2 and refcounts of 16 bits."""
    l2 = -(-guest_clusters * 8 // cluster)
    return (4 + l2 + -(-guest_clusters * 2 // cluster)) * cluster


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.1f} %" if whole else "0 %"


def _table(table: Json, names: Names) -> PartitionRows:
    return PartitionRows(
        id="partitions" if table["snapshot"] is None else f"partitions-{table['snapshot']}",
        title=f"{table['scheme'].upper()}, {layer_name(table['snapshot'], names)}",
        rows=tuple(
            PartitionRow(
                name=f"{each['number']}" + (f" ({each['name']})" if each["name"] else ""),
                type=f"{each['type_name'] or each['type_code']}, {each['kind']}",
                place=f"LBA {each['offset'] // table['sector_size']:,}",
                size=binary_size(each["length"]),
            )
            for each in table["partitions"]
        ),
        more=table["partitions_more"],
        notes=tuple(table["notes"]),
    )


def _bitmap(told: Json) -> BitmapRow:
    state = "not written back: what it says is not to be trusted" if told["in_use"] else "up to date"
    if told["auto"]:
        state += "; QEMU goes on recording in it"
    return BitmapRow(told["name"], f"{binary_size(told['granularity'])} a bit", state)


def _encryption(told: Json | None) -> Iterator[Fact]:
    if not told:
        return
    yield Fact("LUKS version", str(told["version"]))
    yield Fact("Cipher", f"{told['cipher']}, {told['key_bits']} bits, {told['hash']}")
    yield Fact("Key slots in use", f"{told['slots_used']} of {len(told['key_slots'])}")


def _payload(told: Json | None) -> str:
    if not told or not (told["tested"] or told["untested"]):
        return ""
    tried = f"{counted(told['tested'], 'compressed cluster')} ({told['method']}) decompressed"
    broken = (
        f"{told['broken']:,} of them give no cluster: the guest reads an error there"
        if told["broken"]
        else "all sound"
    )
    rest = (
        f" {told['untested']:,} were not tried. {told['reason']}"
        if told["untested"] or not told["complete"]
        else ""
    )
    return f"{tried}, {broken}.{rest}"
