"""The ISO doctor: why virt-manager does not show an ISO, from pasted output or from a stored inventory."""

from .commands import MARKER, MAX_PATH, PathRefused, check_path, command_block
from .descriptor import VolumeDescriptor, read_volume_descriptor
from .diagnosis import diagnose, facts_of_inventory
from .facts import Facts
from .findings import Cause, Certainty, Diagnosis, Effect, Finding, Step, Unknown, Way
from .paste import MAX_PASTE, PasteRefused, read_paste

__all__ = [
    "MARKER",
    "MAX_PASTE",
    "MAX_PATH",
    "Cause",
    "Certainty",
    "Diagnosis",
    "Effect",
    "Facts",
    "Finding",
    "PasteRefused",
    "PathRefused",
    "Step",
    "Unknown",
    "VolumeDescriptor",
    "Way",
    "check_path",
    "command_block",
    "diagnose",
    "facts_of_inventory",
    "read_paste",
    "read_volume_descriptor",
]
