"""Sources: one emulator of one host each, as pages choose them and as tables have them for columns.

A source has two keys. ``debian-12:x86_64`` is what the host has now; ``<snapshot hash>:x86_64`` is pinned, and
gives the same answer for ever: the permanent link of every page is the page itself with pinned keys.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from labtools.models import Emulator, LabHost, Sighting, Snapshot
from portal.missing import Missing

#: The same for what is not there, is not for this person, or is not kept any more.
NO_SNAPSHOT = (
    "There is no snapshot of that hash that you may see. Of a host that changes very often some are not kept, "
    "and a host that is removed takes its own with it."
)
#: In a query string: ``on=debian-12:x86_64``.
PARAMETER = "on"
#: How many sources one page takes.
MAX_SOURCES = 40

_KEY = re.compile(r"(?P<where>[A-Za-z0-9_-]{1,64}):(?P<emulator>[A-Za-z0-9_.,:+@/-]{1,210})", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
#: What a reader who chose nothing is shown: the stable Debian, then whatever answers.
_DEFAULTS = ("debian-13:x86_64", "debian-12:x86_64", "this-machine:x86_64")


def version_key(version: str) -> tuple[int, ...]:
    """A version for comparing: ``10.0.13`` is (10, 0, 13)."""
    return tuple(int(number) for number in re.findall(r"[0-9]{1,9}", version)[:4])


class SourceNotFound(Missing):
    """There is no such source, or it is not for this person; the message is a sentence."""

    # The page of two sources beside each other has one parameter for each.
    parameters = (PARAMETER, "a", "b")


@dataclass(frozen=True)
class Source:
    """One emulator of a snapshot that a host has (or, where ``is_pinned``, had)."""

    host: LabHost
    snapshot: Snapshot
    emulator: Emulator
    seen_at: datetime
    """When the host was last seen with this snapshot."""
    is_pinned: bool = False

    @property
    def key(self) -> str:
        """For ``on=``: as it was asked for."""
        return self.permanent_key if self.is_pinned else f"{self.host.slug}:{self.emulator.key}"

    @property
    def permanent_key(self) -> str:
        """For ``on=`` in a link that shall say the same for ever."""
        return f"{self.snapshot.digest}:{self.emulator.key}"

    @property
    def label(self) -> str:
        """For a chooser: host, version, target."""
        emulator = self.emulator
        # A second binary of a target is told by its name: qemu-system-x86_64-microvm.
        what = emulator.key if emulator.key == emulator.target else f"{emulator.key} ({emulator.program})"
        return f"{self.host.name} · QEMU {emulator.version} · {what}"

    @property
    def short_label(self) -> str:
        """For the head of a column: the version of a reference, else the host."""
        if self.host.is_reference:
            return ".".join(self.emulator.version.split(".")[:2])
        return self.host.slug

    @property
    def target(self) -> str:
        """The target as QEMU names it: x86_64."""
        return self.emulator.target

    @property
    def version_key(self) -> tuple[int, ...]:
        """Its QEMU's version for comparing."""
        return version_key(self.emulator.version)

    @property
    def binary_name(self) -> str:
        """What to type on one's own machine; the path on the host is for staff."""
        return self.emulator.program


def sources(user: object) -> tuple[Source, ...]:
    """What every host that ``user`` may see has now, in the order of columns. Two queries."""
    hosts = (
        LabHost.objects.visible_to(user)
        .filter(current__isnull=False)
        .select_related("current__snapshot")
        .prefetch_related("current__snapshot__emulators")
    )
    found = []
    for host in hosts:
        assert host.current is not None
        snapshot = host.current.snapshot
        found += [
            Source(host, snapshot, emulator, host.current.last_at)
            for emulator in snapshot.emulators.all()
            if emulator.status == "ok"
        ]
    return tuple(found)


def find_source(user: object, key: str) -> Source:
    """The source of ``key``; :class:`SourceNotFound` (a 404) if there is none that ``user`` may see."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise SourceNotFound("That is not the name of a host and its QEMU.")
    where, emulator_key = match["where"], match["emulator"]
    if _DIGEST.fullmatch(where):
        return _pinned(user, where, emulator_key)
    host = (
        LabHost.objects.visible_to(user)
        .filter(slug=where, current__isnull=False)
        .select_related("current__snapshot")
        .first()
    )
    if host is None or host.current is None:
        raise SourceNotFound("There is no host of that name with anything to show.")
    sighting = host.current
    return Source(host, sighting.snapshot, _emulator(sighting.snapshot, emulator_key), sighting.last_at)


def _pinned(user: object, digest: str, emulator_key: str) -> Source:
    sighting = (
        Sighting.objects.filter(snapshot=digest, host__in=LabHost.objects.visible_to(user))
        .select_related("host", "snapshot")
        .order_by("-last_at", "pk")
        .first()
    )
    if sighting is None:
        raise SourceNotFound(NO_SNAPSHOT)
    emulator = _emulator(sighting.snapshot, emulator_key)
    return Source(sighting.host, sighting.snapshot, emulator, sighting.last_at, is_pinned=True)


def _emulator(snapshot: Snapshot, key: str) -> Emulator:
    emulator = snapshot.emulators.filter(key=key, status="ok").first()
    if emulator is None:
        raise SourceNotFound("That host has no QEMU for that target.")
    return emulator


def find_sources(user: object, keys: list[str]) -> tuple[Source, ...]:
    """The sources of ``keys``, each once and in their order, at most :data:`MAX_SOURCES`.

    Keys of the present cost two queries in all. :class:`SourceNotFound` if one is not there for ``user``.
    """
    unique = list(dict.fromkeys(keys))[:MAX_SOURCES]
    present = {source.key: source for source in sources(user)} if unique else {}
    return tuple(present.get(key) or find_source(user, key) for key in unique)


def default_source(user: object) -> Source | None:
    """What a reader who chose nothing is shown; None while the lab has nothing. Two queries."""
    return choose_default(sources(user))


def choose_default(available: tuple[Source, ...]) -> Source | None:
    """The default among ``available``."""
    by_key = {source.key: source for source in available}
    for key in _DEFAULTS:
        if key in by_key:
            return by_key[key]
    return available[0] if available else None
