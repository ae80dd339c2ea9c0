"""A stored atlas as data: the cells of a picture, and one cluster of it. No database, no HTML.

Offsets and lengths are bytes. Cells are cut as in :mod:`labtools.atlas_page`, so an answer has at most
:data:`~labtools.atlas_page.CELLS` of them, however large the image; a smaller part is asked for by ``from`` and ``to``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labtools.atlas_page import CELLS, layer_key, per_cell_of, state_words
from labtools.qcow2 import Cell, GuestState, Role

if TYPE_CHECKING:
    from labtools.atlas_page import View
    from labtools.qcow2 import Atlas

FORMAT = 1
#: Damaged ranges that are listed; the rest are counted.
DAMAGE = 256


def file_json(atlas: Atlas, view: View) -> dict[str, Any]:
    """A part of the file: its cells by role, its damage, and the cluster ``at``, if one was asked for."""
    size = atlas.cluster_size
    cells = atlas.file_cells(view.first, view.stop, per_cell_of(view.stop - view.first, CELLS))
    return {
        "format": FORMAT,
        "of": "file",
        **_scale(size, atlas.clusters, atlas.file_grain, view),
        "cells": [
            _cell(cell, size, {Role(kind).words: count for kind, count in cell.shares})
            | {"leaked_clusters": cell.leaked}
            for cell in cells
        ],
        **_damage(*atlas.file_damage(view.first, view.stop, DAMAGE), size),
        "at": None if view.at is None else _host_cluster(atlas, view.at),
    }


def disk_json(atlas: Atlas, layer: int, view: View) -> dict[str, Any]:
    """The same of the guest's disk in one layer, by where its bytes come from."""
    facts, size = atlas.layers[layer], atlas.cluster_size
    cells = atlas.disk_cells(layer, view.first, view.stop, per_cell_of(view.stop - view.first, CELLS))
    return {
        "format": FORMAT,
        "of": "disk",
        "layer": layer_key(facts.snapshot),
        "layers": [layer_key(one.snapshot) for one in atlas.layers if one.clusters],
        "layers_more": atlas.layers_more,
        **_scale(size, facts.clusters, facts.grain, view),
        "cells": [
            _cell(cell, size, {_state(atlas, kind): count for kind, count in cell.shares}) for cell in cells
        ],
        **_damage(*atlas.disk_damage(layer, view.first, view.stop, DAMAGE), size),
        "at": None if view.at is None else _guest_cluster(atlas, layer, view.at),
    }


def _scale(size: int, clusters: int, grain: int, view: View) -> dict[str, Any]:
    return {
        "cluster_size": size,
        "length": clusters * size,
        "offset": view.first * size,
        "stop": view.stop * size,
        "clusters_per_cell": per_cell_of(view.stop - view.first, CELLS),
        "grain": grain,
    }


def _cell(cell: Cell, size: int, clusters: dict[str, int]) -> dict[str, Any]:
    return {
        "offset": cell.first * size,
        "length": cell.count * size,
        "clusters": clusters,
        "damaged_clusters": cell.damaged,
    }


def _damage(ranges: tuple[tuple[int, int], ...], more: int, size: int) -> dict[str, Any]:
    return {
        "damage": [{"offset": first * size, "length": count * size} for first, count in ranges],
        "damage_more": more,
    }


def _state(atlas: Atlas, kind: int) -> str:
    return state_words(GuestState(kind), backed=atlas.backed)


def _host_cluster(atlas: Atlas, number: int) -> dict[str, Any]:
    facts, size = atlas.cluster(number), atlas.cluster_size
    return {
        "offset": number * size,
        "role": facts.role.words,
        "refcount": facts.refcount,
        "leaked": facts.leaked,
        "damaged": facts.damaged,
        "grain": facts.grain,
        "owners": [
            {
                "kind": owner.kind.name.lower(),
                "layers": [layer_key(one) for one in owner.layers],
                "layers_more": owner.layers_more,
                "offset": owner.first * size,
                "length": owner.count * size,
            }
            for owner in facts.owners
        ],
        "owners_more": facts.owners_more,
    }


def _guest_cluster(atlas: Atlas, layer: int, number: int) -> dict[str, Any]:
    facts, size = atlas.guest_cluster(layer, number), atlas.cluster_size
    return {
        "offset": number * size,
        "contents": _state(atlas, facts.state),
        "damaged": facts.damaged,
        "grain": facts.grain,
        "host_offsets": [host * size for host in facts.hosts],
    }
