"""Keep what a probe found: parts by hash, snapshots that never change, and what changed since the last."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from labtools.labhost import sections
from labtools.labhost.comparison import summarize_changes
from labtools.labhost.document import Accelerator, HostDocument, Qemu, parse_devices
from labtools.labhost.inventory import Inventory as Contents
from labtools.labhost.inventory import inventory_to_json
from labtools.models import DeviceRow, Emulator, Fact, Inventory, LabHost, Sighting, Snapshot
from labtools.queries import facts

#: Older than every QEMU that has what labprobe asks for. Years near 1 and 9999 have no time in other time zones.
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)

_STORE_LOCK = 0x6C6162  # "lab"; no other advisory lock of the portal has this number


def lock_store() -> None:
    """Be the only one who adds to what is stored by hash, or takes from it, until the transaction ends.

    Parts are named by hash, not by foreign keys: whoever finds one and relies on it must be sure that it is not being
    taken away. The row of a host is locked before this, never after. On SQLite every transaction is alone
    (``BEGIN IMMEDIATE``).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_STORE_LOCK])


@dataclass
class _Parts:
    """Parts on their way into the store, each once."""

    found: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, kind: Fact.Kind, value: Any) -> str:
        """Return the hash under which ``value`` will be stored; empty for an empty list.

        A property list keeps its hash also where it is empty: a type without options is not one that is unknown.
        """
        if not value and kind != Fact.Kind.PROPERTIES:
            return ""
        data = sections.canonical(value)
        digest = sections.digest(data)
        self.found[digest] = (kind, data)
        return digest

    def store(self) -> None:
        """Write what is not there yet."""
        known = set(Fact.objects.filter(pk__in=self.found).values_list("pk", flat=True))
        new = [
            Fact(digest=digest, kind=kind, data=zlib.compress(data, 9))
            for digest, (kind, data) in self.found.items()
            if digest not in known
        ]
        Fact.objects.bulk_create(new, ignore_conflicts=True)


@transaction.atomic
def record_document(*, host: LabHost, document: HostDocument, at: datetime) -> Sighting:
    """Keep ``document`` as what ``host`` has ``at`` this moment; return its sighting, new if anything changed.

    Safe to repeat: a document that is known costs one more look at the clock.
    """
    locked = LabHost.objects.select_for_update(of=("self",)).select_related("current").get(pk=host.pk)
    lock_store()
    snapshot = _keep_snapshot(document, at)
    current = locked.current
    if current is not None and current.snapshot_id == snapshot.pk:
        Sighting.objects.filter(pk=current.pk, last_at__lt=at).update(last_at=at)
        current.last_at = max(at, current.last_at)
        sighting = current
    else:
        changes = (
            [] if current is None else summarize_changes(facts.stored_document(current.snapshot), document)
        )
        sighting = Sighting.objects.create(
            host=locked, snapshot=snapshot, first_at=at, last_at=at, changes=changes
        )
        LabHost.objects.filter(pk=host.pk).update(current=sighting)
        refresh_device_rows()
    if document.inventory is not None:
        _keep_inventory(host, document.inventory, at)
    host.current = sighting
    return sighting


def _keep_inventory(host: LabHost, inventory: Contents, at: datetime) -> None:
    """Keep what libvirt has now in the place of what it had. Where it does not answer, the last that it had stays."""
    parts = _Parts()
    digest = parts.add(Fact.Kind.INVENTORY, inventory_to_json(inventory))
    parts.store()
    before = Inventory.objects.filter(host=host).values_list("digest", flat=True).first()
    Inventory.objects.update_or_create(host=host, defaults={"taken_at": at, "digest": digest})
    if before and before != digest:
        drop_unused_inventories([before])


def forget_inventory(host: LabHost) -> None:
    """Let go of what libvirt of ``host`` had. In a transaction that has the host's row."""
    lock_store()
    digests = list(Inventory.objects.filter(host=host).values_list("digest", flat=True))
    Inventory.objects.filter(host=host).delete()
    drop_unused_inventories(digests)


def drop_unused_inventories(digests: Iterable[str]) -> None:
    """Delete those of the stored inventories under ``digests`` that are no host's any more."""
    used = Inventory.objects.values("digest")
    Fact.objects.filter(kind=Fact.Kind.INVENTORY, pk__in=digests).exclude(pk__in=used).delete()


def _time_of(document: HostDocument, at: datetime) -> datetime:
    """When it was probed by the host's clock, or ``at`` where that clock cannot be right: ahead, or decades behind."""
    return document.probed_at if EARLIEST <= document.probed_at <= at else at


def _keep_snapshot(document: HostDocument, at: datetime) -> Snapshot:
    """The snapshot of this content; its parts are stored with it."""
    digest = document.content_hash
    found = Snapshot.objects.filter(pk=digest).first()
    if found is not None:
        return found
    parts = _Parts()
    # A list is named by the hash of its bytes: most are known, and need not be written out to see that.
    known = set(Fact.objects.filter(pk__in=document.property_lists.keys()).values_list("pk", flat=True))
    for list_digest in document.property_lists.keys() - known:
        parts.add(Fact.Kind.PROPERTIES, sections.property_list_json(document.property_lists[list_digest]))
    emulators = _emulators(document, parts)
    parts.store()
    snapshot, is_new = Snapshot.objects.get_or_create(
        digest=digest,
        defaults={
            "taken_at": _time_of(document, at),
            "machine": document.machine,
            "kernel": document.kernel,
            "problems": list(document.problems),
            "libvirt_version": document.libvirt_version,
        },
    )
    if is_new:
        for emulator in emulators:
            emulator.snapshot = snapshot
        Emulator.objects.bulk_create(emulators)
    return snapshot


def _emulators(document: HostDocument, parts: _Parts) -> list[Emulator]:
    emulators: list[Emulator] = []
    seen: dict[str, int] = {}
    for position, qemu in enumerate(document.qemu):
        target = qemu.target or "unknown"
        seen[target] = seen.get(target, 0) + 1
        key = target if seen[target] == 1 else f"{target}:{seen[target]}"
        emulators.append(_emulator(qemu, position, key, parts))
    return emulators


def _emulator(qemu: Qemu, position: int, key: str, parts: _Parts) -> Emulator:
    return Emulator(
        position=position,
        key=key,
        binary=qemu.binary,
        status=qemu.status.value,
        last_words=qemu.last_words,
        version=qemu.version,
        package=qemu.package,
        target=qemu.target,
        devices=parts.add(Fact.Kind.DEVICES, sections.devices_json(qemu.devices)),
        machines=parts.add(Fact.Kind.MACHINES, sections.machines_json(qemu.machines)),
        objects_digest=parts.add(Fact.Kind.OBJECTS, list(qemu.objects)),
        accelerators={one.name: _accelerator(one, parts) for one in qemu.accelerators},
    )


def _accelerator(accelerator: Accelerator, parts: _Parts) -> dict[str, Any]:
    return {
        "status": accelerator.status.value,
        "last_words": accelerator.last_words,
        "sandboxed": accelerator.is_sandboxed,
        "cpus": parts.add(Fact.Kind.CPUS, sections.cpus_json(accelerator.cpus)),
    }


def refresh_device_rows() -> None:
    """Give every list of device types that a host has now its rows, and take away those of lists out of use."""
    wanted = set(_lists_in_use())
    present = set(DeviceRow.objects.order_by("devices").values_list("devices", flat=True).distinct())
    DeviceRow.objects.filter(devices__in=present - wanted).delete()
    for digest in sorted(wanted - present):
        DeviceRow.objects.bulk_create(_rows(digest), ignore_conflicts=True)


def _lists_in_use() -> Iterable[str]:
    of_hosts = LabHost.objects.filter(current__isnull=False).values("current__snapshot")
    return (
        Emulator.objects.filter(snapshot__in=of_hosts)
        .exclude(devices="")
        .order_by("devices")
        .values_list("devices", flat=True)
        .distinct()
    )


def _rows(digest: str) -> list[DeviceRow]:
    return [
        DeviceRow(
            devices=digest,
            name=device.name,
            alias=device.alias,
            group=device.group,
            bus=device.bus,
            description=device.description,
            user_creatable=device.user_creatable,
            status=device.status.value,
            properties=device.properties or "",
        )
        for device in parse_devices(facts.read_fact(digest))
    ]
