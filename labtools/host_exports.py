"""Hosts, snapshots and changes as data for programs: the same as their pages show, and no more."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.utils.html import escape

from labtools.labhost.inventory import inventory_to_json
from labtools.labhost.public_words import without_paths
from labtools.models import Sighting, Snapshot
from labtools.queries import facts
from labtools.queries.host_inventory import InventoryPage
from labtools.queries.hosts import Change, EmulatorLine, HostLine, HostPage

HOST_HEADER = ("Host", "Name", "State", "Last answer", "libvirt", "QEMU", "Target", "Snapshot")
EMULATOR_HEADER = ("Source", "QEMU", "Package", "Target", "Status", "tcg", "kvm", "Words")
CHANGE_HEADER = ("At", "Host", "Name", "Change", "Snapshot")


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def host_line_json(line: HostLine) -> dict[str, Any]:
    """A row of the list."""
    snapshot = line.snapshot
    return {
        "host": line.host.slug,
        "name": line.host.name,
        "is_reference": line.host.is_reference,
        "visibility": line.host.visibility,
        "state": line.state.code,
        "last_answer_at": _time(line.host.last_answer_at),
        "snapshot": snapshot.digest if snapshot else None,
        "libvirt_version": (snapshot.libvirt_version or None) if snapshot else None,
        "qemu": [{"version": version, "targets": list(targets)} for version, targets in line.versions],
    }


def host_rows(lines: Iterable[HostLine]) -> Iterator[list[str]]:
    """A row for each QEMU; one for a host without any."""
    for line in lines:
        snapshot = line.snapshot
        start = [
            line.host.slug,
            line.host.name,
            line.state.code,
            _time(line.host.last_answer_at) or "",
            snapshot.libvirt_version if snapshot else "",
        ]
        digest = snapshot.digest if snapshot else ""
        pairs = [(version, target) for version, targets in line.versions for target in targets]
        for version, target in pairs or [("", "")]:
            yield [*start, version, target, digest]


def emulator_json(line: EmulatorLine) -> dict[str, Any]:
    """One QEMU; its path only where the reader may have it."""
    one = line.emulator
    return {
        "on": line.source_key or None,
        "version": one.version,
        "package": one.package,
        "target": one.target,
        "status": one.status,
        "last_words": line.words or None,
        "accelerators": {
            found.name: {"usable": found.is_usable, "last_words": found.words or None}
            for found in line.accelerators
        },
        **({"binary": line.binary} if line.binary else {}),
    }


def emulator_rows(lines: Iterable[EmulatorLine]) -> Iterator[list[str]]:
    """A row for each QEMU."""
    for line in lines:
        one = line.emulator
        usable = {found.name: "yes" if found.is_usable else "no" for found in line.accelerators}
        start = [line.source_key, one.version, one.package, one.target, one.status]
        yield [*start, usable.get("tcg", ""), usable.get("kvm", ""), line.words]


def host_json(page: HostPage) -> dict[str, Any]:
    """The page of a host."""
    snapshot = page.snapshot
    return {
        "host": page.host.slug,
        "name": page.host.name,
        "description": page.host.description,
        "state": page.state.code,
        "last_answer_at": _time(page.host.last_answer_at),
        "seen_at": _time(page.seen_at),
        "snapshot": _snapshot_json(snapshot) if snapshot else None,
        "problems": list(page.problems),
        "qemu": [emulator_json(line) for line in page.emulators],
        "changes": [change_json(change) for change in page.changes],
    }


def inventory_json(inventory: InventoryPage | None) -> dict[str, Any]:
    """What libvirt has, whole; nothing for whoever may not see it."""
    if inventory is None:
        return {}
    return {
        "inventory": {
            "taken_at": _time(inventory.taken_at),
            **inventory_to_json(inventory.contents),
        }
    }


def _snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "digest": snapshot.digest,
        "taken_at": _time(snapshot.taken_at),
        "machine": snapshot.machine,
        "kernel": snapshot.kernel,
        "libvirt_version": snapshot.libvirt_version or None,
    }


def snapshot_json(
    snapshot: Snapshot,
    sightings: Sequence[Sighting],
    emulators: Iterable[EmulatorLine],
    problems: Sequence[str],
) -> dict[str, Any]:
    """A snapshot with the names of all that its QEMUs have."""
    return {
        **_snapshot_json(snapshot),
        "problems": list(problems),
        "seen": [
            {"host": one.host.slug, "first_at": _time(one.first_at), "last_at": _time(one.last_at)}
            for one in sightings
        ],
        "qemu": [emulator_json(line) | _names(line) for line in emulators],
    }


def _names(line: EmulatorLine) -> dict[str, Any]:
    one = line.emulator
    return {
        "devices": [
            {
                "name": device.name,
                "status": device.status.value,
                "last_words": without_paths(device.last_words),
            }
            if device.last_words
            else {"name": device.name, "status": device.status.value}
            for device in facts.devices(one).values()
        ],
        "machines": [machine.name for machine in facts.machines(one)],
        "objects": list(facts.objects(one)),
        "cpus": {
            name: [{"name": cpu.name, "unavailable": cpu.unavailable} for cpu in facts.cpus(one, name)]
            for name in ("tcg", "kvm")
        },
    }


def change_json(change: Change) -> dict[str, Any]:
    """An entry of the change feed."""
    return {
        "host": change.host.slug,
        "name": change.host.name,
        "at": _time(change.sighting.first_at),
        "changes": list(change.sentences),
        "snapshot": change.sighting.snapshot_id,
    }


def change_rows(changes: Iterable[Change]) -> Iterator[list[str]]:
    """A row for each sentence."""
    for change in changes:
        at, digest = _time(change.sighting.first_at) or "", change.sighting.snapshot_id
        for sentence in change.sentences:
            yield [at, change.host.slug, change.host.name, sentence, digest]


def feed_entry(change: Change, site: str) -> dict[str, Any]:
    """What ``Atom1Feed.add_item`` takes; Django calls every summary HTML, so plain text is escaped like it."""
    link = site + change.sighting.snapshot.get_absolute_url()
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in change.sentences)
    return {
        "title": change.title,
        "link": link,
        "description": f"<ul>{items}</ul>",
        "unique_id": f"{site}/lab/changes/#{change.sighting.pk}",
        "pubdate": change.sighting.first_at,
        "updateddate": change.sighting.first_at,
    }
