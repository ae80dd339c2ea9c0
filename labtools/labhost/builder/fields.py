"""The fields of a form for one device type, from its properties."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from labtools.labhost.document import Property
from labtools.labhost.lint.values import NUMBERS, choices, is_readonly, is_slot


class Input(StrEnum):
    """How a value is asked for."""

    CHOICE = "choice"
    NUMBER = "number"
    TEXT = "text"


class Group(StrEnum):
    """Which fields are shown at once: what most devices are given, the rest, and those QEMU promises nothing for."""

    COMMON = "common"
    MORE = "more"
    EXPERIMENTAL = "experimental"


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of a field that takes only some; the empty word leaves the default."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One property as a field of a form. ``default`` is as QEMU's help shows it; empty where it names none."""

    name: str
    type: str
    default: str
    description: str
    group: Group
    input: Input
    choices: tuple[Choice, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


#: What people give a device, in the order in which they think of it.
_COMMON = """
    id bus addr netdev drive chardev audiodev host hostdev mac iothread serial num-queues num_queues mq vectors
    queue-size host_mtu bootindex port chassis slot name nr guest-cid rng max-bytes period memdev filename evdev
    vendorid productid hostbus hostaddr vgamem vgamem_mb ram_size max_outputs edid xres yres iobase irq
    logical_block_size physical_block_size discard_granularity share-rw wwn unit scsi-id lun channel tag mount_tag fsdev
    free-page-reporting deflate-on-oom max_ioqpairs guest-reset p2 p3 ports multifunction tpmdev
"""
COMMON = tuple(_COMMON.split())
_RANK = {name: rank for rank, name in enumerate(COMMON)}
#: Keys of -device that every device takes and no list of properties has.
_OWN = (
    Property("id", "str", "Name of the device, for the monitor and for other options", None),
    Property("bus", "str", "Bus that it is put on; QEMU chooses one where it is left out", None),
)


def shown_default(prop: Property) -> str:
    """The default as a person writes it: on for true, a word without its quotation marks."""
    if prop.default is None:
        return ""
    value = json.loads(prop.default)
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else prop.default


def fields_of(properties: Mapping[str, Property]) -> tuple[Field, ...]:
    """The fields of a device type: common ones first, then the rest by name. Parts that nobody can set are left out."""
    own = [item for item in _OWN if item.name not in properties]
    settable = [item for item in (*own, *properties.values()) if not is_readonly(item)]
    fields = [_field(item) for item in settable]
    order = list(Group)
    return tuple(
        sorted(fields, key=lambda item: (order.index(item.group), _RANK.get(item.name, 999), item.name))
    )


def _field(prop: Property) -> Field:
    group = Group.EXPERIMENTAL if prop.is_experimental else Group.COMMON if prop.name in _RANK else Group.MORE
    default = shown_default(prop)
    words = ("on", "off") if prop.type == "bool" else choices(prop)
    if words:
        nothing = Choice("", f"default ({default})" if default else "default")
        listed = (nothing, *(Choice(word, word) for word in words))
        return Field(prop.name, prop.type, default, prop.description, group, Input.CHOICE, listed)
    if prop.type in NUMBERS and not is_slot(prop):
        bits, signed = NUMBERS[prop.type]
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return Field(prop.name, prop.type, default, prop.description, group, Input.NUMBER, (), low, high)
    # PCI addresses are told as -1 where they are free; that is no slot.
    default = "" if is_slot(prop) else default
    return Field(prop.name, prop.type, default, prop.description, group, Input.TEXT)
