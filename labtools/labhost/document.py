"""Read the document of :mod:`labtools.labhost.labprobe` that came from a host nobody vouches for.

Everything is bounded before it is built: bytes, containers, nesting, counts, lengths; texts are printable;
property lists are what their hash says, because hosts share them. :class:`DocumentError` is the only error.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn

from . import limits
from .inventory import Inventory, InventoryError, LibvirtRefused, read_section

FORMAT = 1

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:+@/\[\]*~()#=-]*", re.ASCII)
_TYPE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:+@/\[\]*~()#=<> -]*", re.ASCII)
#: Of a binary: x86_64. It is part of keys (``x86_64:2``), and of commands that people copy into a shell.
_TARGET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class DocumentError(ValueError):
    """The document cannot be trusted; the message is a sentence for the host's owner and quotes nothing of it."""


class BeyondLimits(DocumentError):
    """The document is in form, and has more or longer than any QEMU that was measured: see :mod:`.limits`."""


class Status(StrEnum):
    """How asking went: answered, QEMU ended over the question, or it refused or fell silent."""

    OK = "ok"
    DIED = "died"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a device type. ``default`` is JSON, as QEMU prints it; None where it names none."""

    name: str
    type: str
    description: str
    default: str | None

    @property
    def is_experimental(self) -> bool:
        """QEMU promises nothing for names that begin with ``x-``."""
        return self.name.startswith("x-")

    @property
    def typed_default(self) -> str | None:
        """The default as one types it: ``on`` and ``off``, text without quotes; None where QEMU names none."""
        if self.default is None:
            return None
        value = json.loads(self.default)
        if isinstance(value, bool):
            return "on" if value else "off"
        return value if isinstance(value, str) else self.default

    @property
    def shown_default(self) -> str:
        """The same for a table: a text that is empty is seen to be one; empty where QEMU names no default."""
        return "" if self.default is None else self.typed_default or '""'


@dataclass(frozen=True, slots=True)
class PropertyList:
    """The properties of a device type in order of name; ``digest`` (SHA-256) is equal where they are equal."""

    digest: str
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """A device type. ``user_creatable`` is None where QEMU's ``info qdm`` did not list the type.

    ``properties`` is the digest of its :class:`PropertyList`, which other types and hosts may share; None where
    QEMU did not answer.
    """

    name: str
    status: Status
    last_words: str
    group: str
    bus: str
    alias: str
    description: str
    user_creatable: bool | None
    properties: str | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type of ``-M help``."""

    name: str
    alias: str
    is_default: bool
    is_deprecated: bool
    cpu_max: int
    default_cpu: str


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A CPU model under one accelerator. ``unavailable`` names missing features; None: QEMU does not say."""

    name: str
    type: str
    alias_of: str
    is_deprecated: bool
    is_migration_safe: bool
    is_static: bool
    unavailable: tuple[str, ...] | None

    @property
    def is_usable(self) -> bool | None:
        """Whether a guest gets the whole model on this host; None where QEMU does not say."""
        return None if self.unavailable is None else not self.unavailable


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What one accelerator (``tcg``, ``kvm``) of a binary answered."""

    name: str
    status: Status
    last_words: str
    is_sandboxed: bool
    cpus: tuple[CpuModel, ...]


@dataclass(frozen=True, slots=True)
class Qemu:
    """One QEMU binary of the host."""

    binary: str
    status: Status
    last_words: str
    version: str
    package: str
    target: str
    devices: tuple[Device, ...]
    machines: tuple[Machine, ...]
    objects: tuple[str, ...]
    accelerators: tuple[Accelerator, ...]


@dataclass(frozen=True, slots=True)
class HostDocument:
    """All that one probe of a host found. ``content_hash`` leaves the time out: equal facts, equal hash."""

    probed_at: datetime
    machine: str
    kernel: str
    qemu: tuple[Qemu, ...]
    property_lists: Mapping[str, PropertyList]
    problems: tuple[str, ...]
    content_hash: str
    inventory: Inventory | None = None
    """What libvirt has; not part of the hash, for the sizes of pools and volumes change all the time."""
    libvirt_version: str = ""
    """Of the daemon (``9.0.0``), part of the hash; empty where libvirt did not answer."""
    libvirt_refusal: str = ""
    """Why there is no inventory, in a sentence; empty where there is one, or the host was not asked for it."""

    def properties_of(self, device: Device) -> PropertyList | None:
        """The properties of one of its device types; None where QEMU did not answer."""
        return None if device.properties is None else self.property_lists[device.properties]


def parse_document(data: bytes) -> HostDocument:
    """Return the document in ``data``; :class:`DocumentError` if it is not one in every respect."""
    raw = _load(data)
    top = _Object(raw, "the document")
    if top.get("format") != FORMAT:
        raise DocumentError(f"The document is not of format {FORMAT}; is labprobe on the host up to date?")
    host = top.inner("host")
    lists = _property_lists(top)
    inventory, refusal = _libvirt(top)
    version = inventory.version if inventory else ""
    return HostDocument(
        probed_at=_time(top),
        machine=host.text("machine", limits.MAX_VERSION),
        kernel=host.text("kernel", limits.MAX_VERSION),
        qemu=_distinct(_qemu(entry, lists) for entry in top.objects("qemu", limits.MAX_ENTRIES)),
        property_lists=lists,
        problems=top.texts("problems", limits.MAX_PROBLEMS),
        content_hash=_content_hash(raw, version),
        inventory=inventory,
        libvirt_version=version,
        libvirt_refusal=refusal,
    )


def _load(data: bytes) -> Mapping[str, Any]:
    if len(data) > limits.MAX_BYTES:
        raise BeyondLimits(f"The document is larger than {limits.MAX_BYTES >> 20} MiB.")
    if sum(data.count(sign) for sign in (b"[", b"{", b",", b":")) > limits.MAX_VALUES:
        raise BeyondLimits("The document has too many values.")
    try:
        raw = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise DocumentError("The document is nested too deeply.") from None
    except ValueError:
        raise DocumentError("The document is not JSON, or it ends too early.") from None
    if not isinstance(raw, dict):
        raise DocumentError("The document is not a JSON object.")
    return raw


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _content_hash(raw: Mapping[str, Any], libvirt_version: str) -> str:
    """The hash of all but the time and the inventory; of libvirt its version counts, where it has one."""
    counted = {key: raw[key] for key in raw if key not in ("probed_at", "libvirt")}
    if libvirt_version:
        counted["libvirt"] = libvirt_version
    return hashlib.sha256(_canonical(counted)).hexdigest()


def _libvirt(top: _Object) -> tuple[Inventory | None, str]:
    """The inventory, or why there is none. Documents of before it was asked for have no such section."""
    if not top.has("libvirt"):
        return None, ""
    try:
        return read_section(top.get("libvirt")), ""
    except LibvirtRefused as refused:
        return None, str(refused)
    except InventoryError:
        raise DocumentError("In the document, “libvirt” is not in the form that labprobe writes.") from None


def _time(top: _Object) -> datetime:
    try:
        return datetime.strptime(top.text("probed_at"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError("The document does not say when it was made.") from None


class _Object:
    """A JSON object of the document, read key by key with the bounds of each."""

    def __init__(self, raw: object, what: str) -> None:
        if not isinstance(raw, dict):
            raise DocumentError(f"In the document, {what} is not an object.")
        self._raw = raw
        self._what = what

    def _wrong(self, key: str, why: str, kind: type[DocumentError] = DocumentError) -> DocumentError:
        return kind(f"In the document, “{key}” of {self._what} {why}.")

    def get(self, key: str) -> Any:
        if key not in self._raw:
            raise self._wrong(key, "is missing")
        return self._raw[key]

    def has(self, key: str, *, empty: bool = False) -> bool:
        """Whether ``key`` is there (and, with ``empty``, says nothing)."""
        return key in self._raw and not (empty and self._raw[key])

    def keys(self) -> set[str]:
        return set(self._raw)

    def text(self, key: str, limit: int = limits.MAX_SENTENCE, *, lines: bool = False) -> str:
        return self._text(key, self.get(key), limit, lines=lines)

    def _text(self, key: str, value: object, limit: int, *, lines: bool = False) -> str:
        if not isinstance(value, str):
            raise self._wrong(key, "is not a text")
        if len(value) > limit:
            raise self._wrong(key, f"is longer than {limit} characters", BeyondLimits)
        if not (value.replace("\n", "") if lines else value).isprintable():
            raise self._wrong(key, "holds control characters")
        return value

    def name(self, key: str, *, empty: bool = False, pattern: re.Pattern[str] = _NAME) -> str:
        value = self.text(key, limits.MAX_NAME)
        if not ((empty and not value) or pattern.fullmatch(value)):
            raise self._wrong(key, "is no name that QEMU would use")
        return value

    def flag(self, key: str) -> bool:
        value = self.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "is neither true nor false")
        return value

    def number(self, key: str) -> int:
        value = self.get(key)
        if type(value) is not int or not 0 <= value < 1 << 31:
            raise self._wrong(key, "is not a number of 31 bits")
        return value

    def status(self) -> Status:
        value = self.get("status")
        if value not in tuple(Status):
            raise self._wrong("status", "is none of ok, died and error")
        return Status(value)

    def inner(self, key: str) -> _Object:
        return _Object(self.get(key), f"“{key}”")

    def _items(self, key: str, limit: int) -> list[object]:
        value = self.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "is not a list")
        if len(value) > limit:
            raise self._wrong(key, f"has more than {limit} entries", BeyondLimits)
        return value

    def objects(self, key: str, limit: int) -> list[_Object]:
        return [_Object(item, f"one of “{key}”") for item in self._items(key, limit)]

    def texts(self, key: str, limit: int, length: int = limits.MAX_SENTENCE) -> tuple[str, ...]:
        return tuple(self._text(key, item, length) for item in self._items(key, limit))


def _property_lists(top: _Object) -> dict[str, PropertyList]:
    raw = top.get("property_lists")
    if not isinstance(raw, dict):
        raise DocumentError("In the document, “property_lists” is not an object.")
    if len(raw) > limits.MAX_LISTS:
        raise BeyondLimits(f"The document has more than {limits.MAX_LISTS} property lists.")
    return {digest: parse_property_list(digest, rows) for digest, rows in raw.items()}


def parse_property_list(digest: str, rows: object) -> PropertyList:
    """Return the property list of ``digest``; :class:`DocumentError` if ``rows`` are not what it says."""
    if not isinstance(rows, list):
        raise DocumentError("In the document, a property list is not a list.")
    if len(rows) > limits.MAX_PROPERTIES:
        raise BeyondLimits(
            f"In the document, a device type has more than {limits.MAX_PROPERTIES} properties."
        )
    data = _canonical(rows)
    if len(data) > limits.MAX_LIST_BYTES:
        raise BeyondLimits(f"In the document, a property list is larger than {limits.MAX_LIST_BYTES} bytes.")
    if not _DIGEST.fullmatch(digest) or hashlib.sha256(data).hexdigest() != digest:
        raise DocumentError("In the document, a property list is not what its hash says.")
    properties = tuple(_property(_Object(row, "a property")) for row in rows)
    _in_order([item.name for item in properties], "properties")
    return PropertyList(digest, properties)


def _property(row: _Object) -> Property:
    # Only what is kept: the hash of the rows is the name under which the list is stored.
    if not row.keys() <= {"name", "type", "description", "default"} or row.has("description", empty=True):
        raise DocumentError("In the document, a property has parts that labprobe does not write.")
    default = None
    if row.has("default"):
        # As QEMU's qobject_to_json() writes it, which is how its help shows it.
        default = json.dumps(row.get("default"))
        if len(default) > limits.MAX_DEFAULT:
            raise BeyondLimits(
                f"In the document, the default of a property is longer than {limits.MAX_DEFAULT} characters."
            )
    return Property(
        name=row.name("name", pattern=_TYPE),  # "memhp container[0]" is real
        type=row.name("type", empty=True, pattern=_TYPE),
        description=row.text("description", limits.MAX_DESCRIPTION) if row.has("description") else "",
        default=default,
    )


def _in_order(names: list[str], what: str) -> None:
    if any(first >= second for first, second in itertools.pairwise(names)):
        raise DocumentError(f"In the document, {what} are not in order of name, or one is named twice.")


def parse_devices(rows: object) -> tuple[Device, ...]:
    """Return the device types of a list in the document's form; :class:`DocumentError` if it is not in it."""
    found = _Object({"devices": rows}, "a QEMU").objects("devices", limits.MAX_DEVICES)
    devices = tuple(_device(row) for row in found)
    _in_order([device.name for device in devices], "devices")
    for what, limit, count in (
        ("groups", limits.MAX_GROUPS, len({device.group for device in devices})),
        ("buses", limits.MAX_BUSES, len({device.bus for device in devices})),
    ):
        if count > limit:
            raise BeyondLimits(
                f"In the document, the device types of a QEMU are of more than {limit} {what}."
            )
    return devices


def parse_machines(rows: object) -> tuple[Machine, ...]:
    """Return the machine types of a list in the document's form, as :func:`parse_devices` does."""
    found = _Object({"machines": rows}, "a QEMU").objects("machines", limits.MAX_MACHINES)
    machines = tuple(_machine(row) for row in found)
    _in_order([machine.name for machine in machines], "machines")
    return machines


def parse_cpus(rows: object) -> tuple[CpuModel, ...]:
    """Return the CPU models of a list in the document's form, as :func:`parse_devices` does."""
    found = _Object({"cpus": rows}, "an accelerator").objects("cpus", limits.MAX_CPUS)
    cpus = tuple(_cpu(row) for row in found)
    _in_order([cpu.name for cpu in cpus], "CPU models")
    if sum(len(cpu.unavailable or ()) for cpu in cpus) > limits.MAX_ALL_MISSING:
        raise BeyondLimits(
            f"In the document, the CPU models of an accelerator lack more than {limits.MAX_ALL_MISSING} features."
        )
    return cpus


def parse_objects(rows: object) -> tuple[str, ...]:
    """Return the user-creatable object types of a list in the document's form."""
    return _Object({"objects": rows}, "a QEMU").texts("objects", limits.MAX_OBJECTS, limits.MAX_NAME)


def _distinct(found: Iterable[Qemu]) -> tuple[Qemu, ...]:
    """Each QEMU once: Debian 12 has a wrapper in /usr/bin beside the program in /usr/libexec, of equal abilities."""
    distinct: dict[Qemu, Qemu] = {}
    for qemu in found:
        distinct.setdefault(replace(qemu, binary=""), qemu)
    return tuple(distinct.values())


def _qemu(entry: _Object, lists: Mapping[str, PropertyList]) -> Qemu:
    devices = parse_devices(entry.get("devices"))
    if any(device.properties is not None and device.properties not in lists for device in devices):
        raise DocumentError("In the document, a device names a property list that is not there.")
    _check_properties(devices, lists)
    accelerators = entry.inner("accelerators")
    return Qemu(
        binary=entry.text("binary"),
        status=entry.status(),
        last_words=entry.text("last_words", lines=True),
        version=entry.text("version", limits.MAX_VERSION),
        package=entry.text("package", limits.MAX_VERSION),
        target=entry.name("target", empty=True, pattern=_TARGET),
        devices=devices,
        machines=parse_machines(entry.get("machines")),
        objects=parse_objects(entry.get("objects")),
        accelerators=tuple(
            _accelerator(name, accelerators.inner(name)) for name in ("tcg", "kvm") if accelerators.has(name)
        ),
    )


def _check_properties(devices: tuple[Device, ...], lists: Mapping[str, PropertyList]) -> None:
    """Lists are shared, so a small document could say that thousands of device types have thousands of properties."""
    every = others = 0
    for device in devices:
        if device.properties is not None:
            count = len(lists[device.properties].properties)
            every += count
            others += count if device.group != "CPU" else 0
    if every > limits.MAX_ALL_PROPERTIES or others > limits.MAX_DEVICE_PROPERTIES:
        raise BeyondLimits(
            "In the document, the device types of a QEMU have more properties than there can be."
        )


def _device(device: _Object) -> Device:
    digest = device.get("properties")
    if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise DocumentError("In the document, a device names its properties by no hash.")
    return Device(
        name=device.name("name", pattern=_TYPE),  # "ICH9 SMB" is a device type of QEMU 5.2
        status=device.status(),
        last_words=device.text("last_words", lines=True),
        group=device.text("group", limits.MAX_NAME),
        bus=device.text("bus", limits.MAX_NAME),
        alias=device.name("alias", empty=True),
        description=device.text("description", limits.MAX_DEVICE_DESCRIPTION),
        user_creatable=None if device.get("user_creatable") is None else device.flag("user_creatable"),
        properties=digest,
    )


def _machine(machine: _Object) -> Machine:
    return Machine(
        name=machine.name("name"),
        alias=machine.name("alias", empty=True),
        is_default=machine.flag("default"),
        is_deprecated=machine.flag("deprecated"),
        cpu_max=machine.number("cpu_max"),
        default_cpu=machine.name("default_cpu", empty=True),
    )


def _accelerator(name: str, found: _Object) -> Accelerator:
    return Accelerator(
        name=name,
        status=found.status(),
        last_words=found.text("last_words", lines=True),
        is_sandboxed=found.flag("sandboxed"),
        cpus=parse_cpus(found.get("cpus")),
    )


def _cpu(cpu: _Object) -> CpuModel:
    return CpuModel(
        name=cpu.name("name"),
        type=cpu.name("type", empty=True),
        alias_of=cpu.name("alias_of", empty=True),
        is_deprecated=cpu.flag("deprecated"),
        is_migration_safe=cpu.flag("migration_safe"),
        is_static=cpu.flag("static"),
        unavailable=None
        if cpu.get("unavailable") is None
        else cpu.texts("unavailable", limits.MAX_MISSING, limits.MAX_NAME),
    )
