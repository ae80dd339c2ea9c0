"""Read stored parts of snapshots as the types of :mod:`labtools.labhost.document`.

A part never changes under its hash, so what was read once is kept in the process.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar

from labtools.labhost.document import (
    Accelerator,
    CpuModel,
    Device,
    HostDocument,
    Machine,
    PropertyList,
    Qemu,
    Status,
    parse_cpus,
    parse_devices,
    parse_machines,
    parse_objects,
    parse_property_list,
)
from labtools.models import Emulator, Fact, Snapshot

T = TypeVar("T")


class FactMissing(LookupError):
    """No part is stored under that hash."""


def read_fact(digest: str) -> Any:
    """Return the JSON value stored under ``digest``; :class:`FactMissing` if there is none."""
    data = Fact.objects.filter(pk=digest).values_list("data", flat=True).first()
    if data is None:
        raise FactMissing(digest)
    return json.loads(zlib.decompress(bytes(data)))


def devices(emulator: Emulator) -> Mapping[str, Device]:
    """The device types of ``emulator`` by name, in order; empty where it did not answer."""
    return _devices(emulator.devices) if emulator.devices else {}


def machines(emulator: Emulator) -> tuple[Machine, ...]:
    """Its machine types in order of name."""
    return _machines(emulator.machines) if emulator.machines else ()


def objects(emulator: Emulator) -> tuple[str, ...]:
    """Its user-creatable object types in order of name."""
    return _objects(emulator.objects_digest) if emulator.objects_digest else ()


def accelerator(emulator: Emulator, name: str) -> Accelerator | None:
    """How asking under ``tcg`` or ``kvm`` went, with the CPU models; None: it was not asked."""
    found = emulator.accelerators.get(name)
    if found is None:
        return None
    return Accelerator(
        name=name,
        status=Status(found["status"]),
        last_words=found["last_words"],
        is_sandboxed=found["sandboxed"],
        cpus=_cpus(found["cpus"]) if found["cpus"] else (),
    )


def cpus(emulator: Emulator, name: str) -> tuple[CpuModel, ...]:
    """Its CPU models under the accelerator ``name`` in order of name; empty where it did not answer."""
    found = accelerator(emulator, name)
    return () if found is None else found.cpus


def properties(device: Device) -> PropertyList | None:
    """The properties of a device type; None where QEMU did not answer for it."""
    return None if device.properties is None else property_list(device.properties)


class _Kept(Generic[T]):
    """Parts of one kind as they were read, by hash: the latest few."""

    def __init__(self, parse: Callable[[Any], T], limit: int = 128) -> None:
        self._parse = parse
        self._limit = limit
        self._parts: dict[str, T] = {}
        self._lock = Lock()

    def __call__(self, digest: str) -> T:
        kept = self._parts.get(digest)
        return kept if kept is not None else self.keep(digest, read_fact(digest))

    def get(self, digest: str) -> T | None:
        return self._parts.get(digest)

    def lacks(self, digest: str) -> bool:
        return digest not in self._parts

    def keep(self, digest: str, value: Any) -> T:
        part = self._parse(value)
        with self._lock:
            self._parts[digest] = part
            for old in list(self._parts)[: -self._limit]:
                del self._parts[old]
        return part


def _devices_by_name(rows: Any) -> Mapping[str, Device]:
    return {device.name: device for device in parse_devices(rows)}


_devices = _Kept(_devices_by_name)
_machines = _Kept(parse_machines)
_objects = _Kept(parse_objects)
_cpus = _Kept(parse_cpus)
# A CPU type has hundreds of properties, so the lists are the largest of the parts.
_lists = _Kept(lambda named: parse_property_list(*named), limit=256)
_KEPT: Mapping[str, _Kept[Any]] = {
    Fact.Kind.DEVICES: _devices,
    Fact.Kind.MACHINES: _machines,
    Fact.Kind.OBJECTS: _objects,
    Fact.Kind.CPUS: _cpus,
}


def read_ahead(emulators: Iterable[Emulator], *kinds: Fact.Kind) -> None:
    """Read the parts of ``kinds`` that all ``emulators`` have and nobody read yet, in one query at most."""
    wanted: dict[str, _Kept[Any]] = {}
    for emulator in emulators:
        for kind in kinds:
            for digest in _digests(emulator, kind):
                if digest and _KEPT[kind].lacks(digest):
                    wanted[digest] = _KEPT[kind]
    if wanted:
        for digest, data in Fact.objects.filter(pk__in=wanted).values_list("pk", "data"):
            wanted[digest].keep(digest, json.loads(zlib.decompress(bytes(data))))


def _digests(emulator: Emulator, kind: Fact.Kind) -> Sequence[str]:
    if kind is Fact.Kind.CPUS:
        return [asked["cpus"] for asked in emulator.accelerators.values()]
    by_kind = {
        Fact.Kind.DEVICES: emulator.devices,
        Fact.Kind.MACHINES: emulator.machines,
        Fact.Kind.OBJECTS: emulator.objects_digest,
    }
    return [by_kind[kind]]


def property_lists(digests: Iterable[str]) -> Mapping[str, PropertyList]:
    """The property lists stored under ``digests``, in one query at most; :class:`FactMissing` if one is not there."""
    wanted = set(digests)
    found = {digest: kept for digest in wanted if (kept := _lists.get(digest)) is not None}
    missing = wanted - found.keys()
    if missing:
        for digest, data in Fact.objects.filter(pk__in=missing).values_list("pk", "data"):
            found[digest] = _lists.keep(digest, (digest, json.loads(zlib.decompress(bytes(data)))))
    for digest in wanted - found.keys():
        raise FactMissing(digest)
    return found


def property_list(digest: str) -> PropertyList:
    """The property list stored under ``digest``; :class:`FactMissing` if there is none."""
    return property_lists([digest])[digest]


class StoredPropertyLists(Mapping[str, PropertyList]):
    """Property lists by hash, each read when it is asked for. ``digests`` are those that it has."""

    def __init__(self, digests: frozenset[str]) -> None:
        self._digests = digests

    def __getitem__(self, digest: str) -> PropertyList:
        if digest not in self._digests:
            raise KeyError(digest)
        return property_list(digest)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._digests))

    def __len__(self) -> int:
        return len(self._digests)


def stored_document(snapshot: Snapshot) -> HostDocument:
    """A snapshot as the document that it came from, without the inventory. Property lists are read when used."""
    emulators = tuple(stored_qemu(emulator) for emulator in snapshot.emulators.order_by("position"))
    used = frozenset(
        device.properties for qemu in emulators for device in qemu.devices if device.properties is not None
    )
    return HostDocument(
        probed_at=snapshot.taken_at,
        machine=snapshot.machine,
        kernel=snapshot.kernel,
        qemu=emulators,
        property_lists=StoredPropertyLists(used),
        problems=tuple(snapshot.problems),
        content_hash=snapshot.digest,
        libvirt_version=snapshot.libvirt_version,
    )


def stored_qemu(emulator: Emulator) -> Qemu:
    """One binary of a snapshot as it was in the document."""
    asked = (accelerator(emulator, name) for name in ("tcg", "kvm"))
    return Qemu(
        binary=emulator.binary,
        status=Status(emulator.status),
        last_words=emulator.last_words,
        version=emulator.version,
        package=emulator.package,
        target=emulator.target,
        devices=tuple(devices(emulator).values()),
        machines=machines(emulator),
        objects=objects(emulator),
        accelerators=tuple(one for one in asked if one is not None),
    )
