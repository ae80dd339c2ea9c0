"""What an atlas knows of one cluster, in words. No database, no HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from labtools.atlas_page import layer_key, layer_name, state_words
from labtools.qcow2 import ClusterFacts, GuestState, Owner, OwnerKind, Role, binary_size, counted

if TYPE_CHECKING:
    from labtools.qcow2 import Atlas

SECTOR = 512
LAYERS_NAMED = 8


@dataclass(frozen=True)
class OwnerRow:
    """Something that leads to a cluster, in a sentence, and where it can be seen."""

    sentence: str
    link_words: str = ""
    href: str = ""


@dataclass(frozen=True)
class ClusterPage:
    """One cluster of a file, or of a guest's disk: facts as label and value, and what leads to it or holds it."""

    title: str
    facts: tuple[tuple[str, str], ...]
    is_damaged: bool
    owners_title: str
    owners: tuple[OwnerRow, ...]
    owners_note: str


def host_cluster(atlas: Atlas, number: int, names: Mapping[int, str], disk: str) -> ClusterPage:
    """A cluster of the file; ``disk`` is the address of the page of the guest's disk."""
    facts = atlas.cluster(number)
    size = atlas.cluster_size
    return ClusterPage(
        title=f"Cluster {number:,} of the file",
        facts=tuple(_host_facts(atlas, facts)),
        is_damaged=facts.damaged,
        owners_title="What leads to it",
        owners=tuple(_owner_row(atlas, owner, names, disk, size) for owner in facts.owners),
        owners_note=_owners_note(atlas, facts),
    )


def _host_facts(atlas: Atlas, facts: ClusterFacts) -> Iterator[tuple[str, str]]:
    first = facts.cluster * atlas.cluster_size
    length = min(atlas.cluster_size, atlas.file_length - first)
    yield "Bytes", f"{first:#x} to {first + max(length, 1) - 1:#x}, {binary_size(max(length, 0))}"
    role = "leaked: nothing leads to it" if facts.leaked else facts.role.words
    yield "Role", role
    yield "Stored refcount", f"{facts.refcount:,}"
    yield "State", "damaged; the findings say how" if facts.damaged else "nothing wrong with it"
    if facts.grain > 1:
        yield "Precision", f"told for {counted(facts.grain, 'neighbouring cluster')} together"


def _owners_note(atlas: Atlas, facts: ClusterFacts) -> str:
    if facts.owners_more:
        return f"and {counted(facts.owners_more, 'more', 'more')}"
    if facts.owners:
        return ""
    if facts.role in (Role.DATA, Role.COMPRESSED) and atlas.owners_lost:
        return (
            f"Not kept: the data is so scattered that the owners of {counted(atlas.owners_lost, 'cluster')} "
            "were left out of the map."
        )
    if facts.role is Role.FREE:
        return "Nothing."
    return "The header."


def _owner_row(atlas: Atlas, owner: Owner, names: Mapping[int, str], disk: str, size: int) -> OwnerRow:
    layers = _layers(owner, names)
    first, length = owner.first * size, owner.count * size
    span = f"{first:#x} to {first + length - 1:#x}"
    if owner.kind is OwnerKind.REFCOUNT_BLOCK:
        return OwnerRow(f"The refcount table: it holds the refcounts of bytes {span} of the file.")
    if owner.kind is OwnerKind.L1_TABLE:
        return OwnerRow(f"It is part of the L1 table of: {layers}.")
    href, key = "", owner.layers[0] if owner.layers else None
    reach = next((layer.clusters for layer in atlas.layers if layer.snapshot == key), None)
    if reach is not None and owner.layers and owner.first < reach:
        href = f"{disk}?{urlencode({'layer': layer_key(key), 'at': hex(first)})}#cluster"
    link = "See it on the guest's disk" if href else ""
    if owner.kind is OwnerKind.L2_TABLE:
        return OwnerRow(f"An L1 table: it maps {span} of the guest's disk. Layers: {layers}.", link, href)
    if reach is not None and owner.first >= reach:
        return OwnerRow(f"The VM state, kept behind the guest's disk at {first:#x}. Layers: {layers}.")
    sectors = _sectors(first, length)
    if owner.kind is OwnerKind.COMPRESSED:
        what = f"{counted(owner.count, 'compressed cluster')} of the guest's disk, {span}"
        verb = "begins" if owner.count == 1 else "begin"
        return OwnerRow(f"{what} ({sectors}), {verb} here. Layers: {layers}.", link, href)
    return OwnerRow(f"The guest's disk at {span} ({sectors}). Layers: {layers}.", link, href)


def _sectors(first: int, length: int) -> str:
    lba, last = first // SECTOR, (first + length) // SECTOR - 1
    return f"sector {lba:,}" if lba == last else f"sectors {lba:,} to {last:,}"


def _layers(owner: Owner, names: Mapping[int, str]) -> str:
    named = [layer_name(snapshot, names) for snapshot in owner.layers[:LAYERS_NAMED]]
    more = owner.layers_more + max(0, len(owner.layers) - LAYERS_NAMED)
    if more:
        named.append(f"{counted(more, 'more', 'more')}" if named else counted(more, "layer"))
    return ", ".join(named)


def guest_cluster(atlas: Atlas, layer: int, number: int, names: Mapping[int, str], file: str) -> ClusterPage:
    """A cluster of the guest's disk in one layer; ``file`` is the address of the page of the file's map."""
    facts, size = atlas.guest_cluster(layer, number), atlas.cluster_size
    first = number * size
    state = {
        GuestState.UNALLOCATED: "in the backing file" if atlas.backed else "unallocated: it reads as zeros",
        GuestState.ZERO: "marked as zero: it reads as zeros",
    }.get(facts.state, state_words(facts.state, backed=atlas.backed))
    rows: list[tuple[str, str]] = [
        ("Layer", layer_name(atlas.layers[layer].snapshot, names)),
        ("Bytes", f"{first:#x} to {first + size - 1:#x}, {binary_size(size)}"),
        ("LBA", _sectors(first, size)),
        ("Contents", state),
        ("State", "damaged; the findings say how" if facts.damaged else "nothing wrong with it"),
    ]
    if facts.grain > 1:
        rows.append(("Precision", f"told for {counted(facts.grain, 'neighbouring cluster')} together"))
    return ClusterPage(
        title=f"Cluster {number:,} of the guest's disk",
        facts=tuple(rows),
        is_damaged=facts.damaged,
        owners_title="Where it lies in the file",
        owners=tuple(
            OwnerRow(
                f"Cluster {host:,}, at {host * size:#x}.",
                "See it in the file",
                f"{file}?{urlencode({'at': hex(host * size)})}#cluster",
            )
            for host in facts.hosts
        ),
        owners_note="" if facts.hosts else _hosts_note(atlas, facts.state),
    )


def _hosts_note(atlas: Atlas, state: GuestState) -> str:
    if state in (GuestState.UNALLOCATED, GuestState.ZERO):
        return "Nowhere: nothing is stored for it."
    if atlas.external:
        return "In the external data file."
    return "Not kept: the image is too scattered, or the place lies outside the file."
