"""What was understood of a text: the parts of a command line or a domain that can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .findings import Finding, Place


class Kind(StrEnum):
    """What the text was taken for."""

    DEVICE = "device"
    COMMAND = "command"
    DOMAIN = "domain"

    @property
    def words(self) -> str:
        """For a sentence."""
        return {
            Kind.DEVICE: "the value of a -device option",
            Kind.COMMAND: "a QEMU command line",
            Kind.DOMAIN: "a libvirt domain",
        }[self]


class Form(StrEnum):
    """How a value was written: ``key=value``, a bare ``key``, JSON, or an attribute that libvirt passes on."""

    TEXT = "text"
    FLAG = "flag"
    JSON = "json"
    XML = "xml"


@dataclass(frozen=True, slots=True)
class Given:
    """One property with its value. ``value`` is text even of JSON; ``is_unknown``: the shell would replace it."""

    name: str
    value: str
    place: Place
    form: Form = Form.TEXT
    json: Any = None
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """A device that the text asks for. ``origin`` says how, for sentences about it."""

    driver: str
    place: Place
    givens: tuple[Given, ...]
    origin: str = "-device"
    is_json: bool = False
    is_unknown: bool = False
    is_from_libvirt: bool = False

    def value_of(self, name: str) -> Given | None:
        """The last value given for ``name``: that one counts."""
        return next((given for given in reversed(self.givens) if given.name == name), None)


@dataclass(frozen=True, slots=True)
class MachineUse:
    """A machine type, and its properties, of which a snapshot knows nothing."""

    name: str
    place: Place
    givens: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class CpuUse:
    """A CPU model with its features; ``sign`` is ``+`` or ``-`` for the old form, else empty."""

    model: str
    place: Place
    features: tuple[tuple[str, Given], ...] = ()
    is_from_libvirt: bool = False


@dataclass(frozen=True, slots=True)
class ObjectUse:
    """A ``-object``."""

    type: str
    id: str
    place: Place


@dataclass(frozen=True, slots=True)
class GlobalUse:
    """A ``-global``: the default of a property for every device of a type."""

    driver: str
    given: Given
    place: Place


@dataclass(frozen=True, slots=True)
class Pasted:
    """All that is checked of a text.

    ``names`` are the identifiers that other options define, by kind (netdev, chardev, drive, audiodev, object).
    ``is_whole``: the text is all that QEMU would be told, so a name that it lacks is missing.
    """

    kind: Kind
    text: str
    devices: tuple[DeviceUse, ...] = ()
    machine: MachineUse | None = None
    cpu: CpuUse | None = None
    objects: tuple[ObjectUse, ...] = ()
    globals: tuple[GlobalUse, ...] = ()
    accelerators: tuple[str, ...] = ()
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    is_whole: bool = False
    has_usb: bool = False
    target: str = ""
    findings: tuple[Finding, ...] = ()
    understood: tuple[str, ...] = ()
    holds_secret: bool = False


class PasteError(ValueError):
    """The text cannot be read at all; the message is a sentence for the person, with a place where there is one."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.place = place
