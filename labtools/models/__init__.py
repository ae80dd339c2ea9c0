"""What the lab keeps: images on their way in and their checks, and lab hosts with what they can do."""

from labtools.models.catalogue import Catalogue, ListWords
from labtools.models.facts import DeviceRow, Emulator, Fact, Snapshot
from labtools.models.hosts import Inventory, LabHost, LabHostQuerySet, Sighting
from labtools.models.images import (
    ImageAtlas,
    ImageCheck,
    ImageCheckQuerySet,
    RepairPatch,
    Upload,
    UploadQuerySet,
    Visibility,
)
from labtools.models.trials import VhbaTrial, VhbaTrialQuerySet

__all__ = [
    "Catalogue",
    "DeviceRow",
    "Emulator",
    "Fact",
    "ImageAtlas",
    "ImageCheck",
    "ImageCheckQuerySet",
    "Inventory",
    "LabHost",
    "LabHostQuerySet",
    "ListWords",
    "RepairPatch",
    "Sighting",
    "Snapshot",
    "Upload",
    "UploadQuerySet",
    "VhbaTrial",
    "VhbaTrialQuerySet",
    "Visibility",
]
