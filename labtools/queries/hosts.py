"""What the pages of lab hosts read: each host with its state in a word, and what it has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet

from labtools.labhost.public_words import without_paths
from labtools.models import DeviceRow, Emulator, LabHost, LabHostQuerySet, Sighting, Snapshot

#: Failures in a row after which a host is left alone for a while (services.probing opens its circuit).
FAILURES_TO_OPEN = 3
STALE_AFTER = 2
"""In intervals of refreshing."""
MAX_CHANGES = 10
MAX_NEW_A_DAY = 12
"""Different answers within a day after which a host is restless: services.probing asks it less often."""


@dataclass(frozen=True)
class State:
    """How a host is, in a word; ``since`` when it is worth saying; ``tone`` is the word's colour."""

    code: str
    word: str
    tone: str = ""
    since: datetime | None = None


def state_of(host: LabHost, at: datetime) -> State:
    """The state of ``host`` as readers see it."""
    answered = host.last_answer_at
    if host.is_reference:
        return State("reference", "reference")
    if not host.is_enabled:
        return State("disabled", "disabled", since=answered)
    if answered is None:
        return (
            State("never-answered", "never answered", "bad")
            if host.failures
            else State("never-asked", "never asked")
        )
    if host.failures:
        return State("silent", "silent since", "bad" if is_circuit_open(host, at) else "warn", answered)
    if at - answered > timedelta(seconds=settings.LAB_REFRESH_SECONDS) * STALE_AFTER:
        return State("stale", "stale", "warn", answered)
    return State("fresh", "fresh", "good", answered)


def is_circuit_open(host: LabHost, at: datetime) -> bool:
    """Whether it failed so often that it is left alone until ``host.next_probe_at``."""
    return host.failures >= FAILURES_TO_OPEN and host.next_probe_at > at


def restless_answers(host: LabHost, at: datetime) -> int:
    """How many answers of the day before ``at`` were other than the one before, where that is too many; else 0."""
    day = Sighting.objects.filter(host=host, first_at__gt=at - timedelta(days=1), first_at__lte=at)
    count = day.count()
    return count if count > MAX_NEW_A_DAY else 0


@dataclass(frozen=True)
class HostLine:
    """A row of the list. ``versions``: QEMU's version and its targets, one entry a version."""

    host: LabHost
    state: State
    is_circuit_open: bool
    snapshot: Snapshot | None
    versions: tuple[tuple[str, tuple[str, ...]], ...]


def host_lines(user: object, at: datetime) -> tuple[HostLine, ...]:
    """Every host that ``user`` may see, in the order of columns. Three queries."""
    hosts = (
        LabHost.objects.visible_to(user)
        .select_related("current__snapshot")
        .prefetch_related("current__snapshot__emulators")
    )
    return tuple(_line(host, at) for host in hosts)


def _line(host: LabHost, at: datetime) -> HostLine:
    snapshot = host.current.snapshot if host.current else None
    emulators = snapshot.emulators.all() if snapshot else ()
    return HostLine(host, state_of(host, at), is_circuit_open(host, at), snapshot, versions_of(emulators))


def versions_of(emulators: Iterable[Emulator]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Versions of QEMU that answered, each with its targets."""
    found: dict[str, list[str]] = {}
    for emulator in emulators:
        if emulator.status == "ok":
            found.setdefault(emulator.version, []).append(emulator.key)
    return tuple((version, tuple(targets)) for version, targets in found.items())


@dataclass(frozen=True)
class AcceleratorLine:
    """One accelerator of a binary: whether it can be used, and QEMU's words if not."""

    name: str
    is_usable: bool
    words: str


@dataclass(frozen=True)
class EmulatorLine:
    """One binary. ``source_key`` is for ``on=``; ``binary`` and whole words are for staff only."""

    emulator: Emulator
    source_key: str
    device_count: int | None
    accelerators: tuple[AcceleratorLine, ...]
    words: str
    binary: str


def emulator_lines(snapshot: Snapshot, where: str, *, is_staff: bool) -> tuple[EmulatorLine, ...]:
    """The binaries of ``snapshot``; ``where`` is the part of a source's key before the colon. Two queries.

    Whoever is not staff gets no path of the host, in no words.
    """
    emulators = list(snapshot.emulators.all())
    counts = dict(
        DeviceRow.objects.filter(devices__in={one.devices for one in emulators})
        .order_by("devices")
        .values_list("devices")
        .annotate(Count("pk"))
    )

    def words(text: str) -> str:
        return text if is_staff else without_paths(text)

    return tuple(
        EmulatorLine(
            emulator=one,
            source_key=f"{where}:{one.key}" if one.status == "ok" else "",
            device_count=counts.get(one.devices),
            accelerators=tuple(
                AcceleratorLine(name, found["status"] == "ok", words(found["last_words"]))
                for name, found in sorted(one.accelerators.items(), reverse=True)
            ),
            words=words(one.last_words),
            binary=one.binary if is_staff else "",
        )
        for one in emulators
    )


def problems_of(snapshot: Snapshot, *, is_staff: bool) -> tuple[str, ...]:
    """What labprobe could not do, in its sentences; without paths for whoever is not staff."""
    return tuple(str(one) if is_staff else without_paths(str(one)) for one in snapshot.problems)


# ------------------------------------------------------------------------------------------- changes


@dataclass(frozen=True)
class Change:
    """An entry of the change feed: a host from when it was seen with a snapshot for the first time."""

    host: LabHost
    sighting: Sighting
    sentences: tuple[str, ...]

    @property
    def title(self) -> str:
        """The most important of it."""
        return f"{self.host.name}: {self.sentences[0]}"


def changes(hosts: LabHostQuerySet) -> "QuerySet[Sighting]":
    """Sightings of ``hosts``, newest first; reference versions have no news. For :func:`change_of`."""
    before = Sighting.objects.filter(host=OuterRef("host"), first_at__lt=OuterRef("first_at"))
    return (
        Sighting.objects.filter(host__in=hosts)
        .exclude(host__transport=LabHost.Transport.REFERENCE)
        .select_related("host", "snapshot")
        .prefetch_related("snapshot__emulators")
        .annotate(has_before=Exists(before))
        .order_by("-first_at", "-pk")
    )


def change_of(sighting: Sighting) -> Change:
    """A row of :func:`changes` in sentences."""
    told = tuple(without_paths(str(sentence)) for sentence in sighting.changes)
    if not told:
        told = (
            ("nothing that a guest could notice",)
            if getattr(sighting, "has_before", True)
            else _first(sighting)
        )
    return Change(sighting.host, sighting, told)


def _first(sighting: Sighting) -> tuple[str, ...]:
    versions = versions_of(sighting.snapshot.emulators.all())
    seen = "; ".join(f"QEMU {version} for {', '.join(targets)}" for version, targets in versions)
    libvirt = sighting.snapshot.libvirt_version
    found = [part for part in (seen, f"libvirt {libvirt}" if libvirt else "") if part]
    return (f"seen for the first time: {'; '.join(found) or 'no QEMU'}",)


@dataclass(frozen=True)
class HostPage:
    """All that the page of a host shows."""

    host: LabHost
    state: State
    is_circuit_open: bool
    snapshot: Snapshot | None
    seen_at: datetime | None
    emulators: tuple[EmulatorLine, ...]
    problems: tuple[str, ...]
    changes: tuple[Change, ...]


def host_page(host: LabHost, *, is_staff: bool, at: datetime) -> HostPage:
    """The page of ``host``, read with ``current__snapshot``."""
    snapshot = host.current.snapshot if host.current else None
    recent = changes(LabHost.objects.filter(pk=host.pk))[:MAX_CHANGES]
    return HostPage(
        host=host,
        state=state_of(host, at),
        is_circuit_open=is_circuit_open(host, at),
        snapshot=snapshot,
        seen_at=host.current.last_at if host.current else None,
        emulators=emulator_lines(snapshot, host.slug, is_staff=is_staff) if snapshot else (),
        problems=problems_of(snapshot, is_staff=is_staff) if snapshot else (),
        changes=tuple(map(change_of, recent)),
    )


def sightings_of(snapshot: Snapshot, user: object) -> "QuerySet[Sighting]":
    """Where ``user`` may know that ``snapshot`` was seen, the latest first."""
    hosts = LabHost.objects.visible_to(user)
    return snapshot.sightings.filter(host__in=hosts).select_related("host").order_by("-last_at", "pk")
