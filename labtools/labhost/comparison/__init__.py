"""Compare what two QEMU binaries, or two probes of one host, can do."""

from .differences import (
    AliasMove,
    CpuChange,
    DeviceChange,
    Differences,
    FieldChange,
    Kind,
    MachineChange,
    ObjectChange,
    PropertyChange,
    compare_aliases,
    compare_cpus,
    compare_devices,
    compare_machines,
    compare_objects,
    compare_property_lists,
    compare_qemus,
)
from .summary import MAX_SENTENCES, summarize_changes

__all__ = [
    "MAX_SENTENCES",
    "AliasMove",
    "CpuChange",
    "DeviceChange",
    "Differences",
    "FieldChange",
    "Kind",
    "MachineChange",
    "ObjectChange",
    "PropertyChange",
    "compare_aliases",
    "compare_cpus",
    "compare_devices",
    "compare_machines",
    "compare_objects",
    "compare_property_lists",
    "compare_qemus",
    "summarize_changes",
]
