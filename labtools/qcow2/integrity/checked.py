"""What a check leaves to the making of the atlas."""

from __future__ import annotations

from dataclasses import dataclass

from labtools.qcow2.rules import HeaderValues

from .census import Census
from .geometry import Geometry
from .refcounts import StoredRefcounts
from .tables import L2Tables
from .tally import Tally


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check has read and counted. ``disk_sizes`` are those of the snapshots, in bytes, where they say."""

    geometry: Geometry
    values: HeaderValues
    tables: L2Tables
    stored: StoredRefcounts
    census: Census
    tally: Tally
    disk_sizes: dict[int, int]
