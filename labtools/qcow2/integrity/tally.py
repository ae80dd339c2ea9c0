"""What has been found so far: QEMU's totals, and our findings with the places that they concern."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from labtools.qcow2.checking import ENTRIES, Finding, GuestRange, HostRange
from labtools.qcow2.readings import Problem, Severity
from labtools.qcow2.text import counted

from .catalogue import CATALOGUE, HEADER_ADVICE
from .reading import I64

_MAX_PLACES: Final = 4096
"""Places of one kind that are gathered before they are only counted."""
_MAX_GUEST: Final = 1 << 20
"""Guest clusters of one kind that are gathered before they are only counted."""
_RANK: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass
class _Kind:
    """All findings of one code."""

    count: int = 0
    detail: str = ""
    hosts: list[tuple[int, int]] = field(default_factory=list)
    guests: dict[int | None, list[I64]] = field(default_factory=dict)
    gathered: int = 0
    complete: bool = True
    advice: str = ""
    sentence: str = ""
    l2_entries: list[int] = field(default_factory=list)
    l2_entries_more: int = 0


class Tally:
    """Totals under QEMU's names, and findings by code."""

    def __init__(self, cluster_size: int, ranges: int) -> None:
        self.corruptions = 0
        self.leaks = 0
        self.check_errors = 0
        self.allocated = 0
        self.fragmented = 0
        self.compressed = 0
        self.aborted = False
        """Whether QEMU gives up at this point, so that it prints no numbers."""
        self._cluster_size = cluster_size
        self._ranges = ranges
        self._kinds: dict[str, _Kind] = {}

    def has(self, code: str) -> bool:
        """Whether anything of this kind was found."""
        return code in self._kinds

    def drop(self, code: str) -> int:
        """Forget a kind, because another explains it; returns how many there were."""
        kind = self._kinds.pop(code, None)
        return kind.count if kind else 0

    def find(
        self, code: str, host: int | None = None, length: int = 0, count: int = 1, detail: str = ""
    ) -> None:
        """Count ``count`` of a kind, the first at byte ``host`` of the file."""
        kind = self._kinds.setdefault(code, _Kind())
        kind.count += count
        kind.detail = kind.detail or detail
        if host is not None and len(kind.hosts) < _MAX_PLACES:
            kind.hosts.append((host, length))

    def more(self, code: str, count: int) -> None:
        """Count ``count`` more of a kind without saying where."""
        if count > 0:
            self.find(code, count=count)
            self.incomplete(code)

    def find_clusters(self, code: str, clusters: I64) -> None:
        """Count host clusters, given by number, of a kind."""
        if not len(clusters):
            return
        kind = self._kinds.setdefault(code, _Kind())
        kind.count += len(clusters)
        if len(kind.hosts) >= _MAX_PLACES:
            return
        breaks = np.flatnonzero(np.diff(clusters) != 1) + 1
        size = self._cluster_size
        runs = np.split(clusters, breaks[:_MAX_PLACES])
        # The last piece holds all the rest, with its gaps, where there are more.
        for run in runs[:_MAX_PLACES]:
            kind.hosts.append((int(run[0]) * size, len(run) * size))

    def locate(self, code: str, layer: int | None, guest_clusters: I64) -> None:
        """Say that a kind concerns these clusters of the guest's disk, in the active image or in a snapshot."""
        if not len(guest_clusters):
            return
        kind = self._kinds.setdefault(code, _Kind())
        if kind.gathered + len(guest_clusters) > _MAX_GUEST:
            kind.complete = False
            return
        kind.gathered += len(guest_clusters)
        kind.guests.setdefault(layer, []).append(guest_clusters)

    def entries(self, code: str, places: I64) -> None:
        """Say which L2 entries, by their offsets, a kind names that is not found by them; a few are kept."""
        kind = self._kinds.setdefault(code, _Kind())
        kept = places[: ENTRIES - len(kind.l2_entries)].tolist()
        kind.l2_entries += kept
        kind.l2_entries_more += len(places) - len(kept)

    def incomplete(self, code: str) -> None:
        """Say that not every guest cluster that a kind concerns was gathered."""
        self._kinds.setdefault(code, _Kind()).complete = False

    def advise(self, code: str, advice: str, sentence: str) -> None:
        """Say something else of a kind than the catalogue does, because of what else was found."""
        if code in self._kinds:
            self._kinds[code].advice = advice
            self._kinds[code].sentence = sentence

    def damage(self) -> tuple[list[tuple[int, int]], dict[int | None, I64]]:
        """Where the errors are: places of the file in bytes, and clusters of the guest's disk by layer.

        What concerns the image as a whole, like a mark in its header, is nowhere.
        """
        places: set[tuple[int, int]] = set()
        guests: dict[int | None, list[I64]] = {}
        for code, kind in self._kinds.items():
            entry = CATALOGUE[code]
            if entry.severity is Severity.ERROR and entry.one:
                places.update(kind.hosts)
                for layer, clusters in kind.guests.items():
                    guests.setdefault(layer, []).extend(clusters)
        return _merged(list(places)), {
            layer: np.unique(np.concatenate(parts)) for layer, parts in guests.items()
        }

    def findings(self, problems: tuple[Problem, ...]) -> tuple[Finding, ...]:
        """Everything found, with the header's problems, worst first."""
        found = [_of_problem(problem) for problem in problems]
        found += [self._finding(code, kind) for code, kind in self._kinds.items() if kind.count]
        return tuple(sorted(found, key=lambda finding: _RANK[finding.severity]))

    def _finding(self, code: str, kind: _Kind) -> Finding:
        entry = CATALOGUE[code]
        hosts = _merged(kind.hosts)
        guests = list(self._guest_ranges(kind))
        sentence = kind.sentence or entry.sentence
        if entry.one:
            sentence = f"{counted(kind.count, entry.one, entry.many)}: {sentence}"
        return Finding(
            code=code,
            severity=entry.severity,
            sentence=f"{sentence} {kind.detail}".rstrip(),
            count=kind.count,
            host_offset=kind.hosts[0][0] if kind.hosts else None,
            host_ranges=tuple(HostRange(start, length) for start, length in hosts[: self._ranges]),
            host_ranges_more=max(0, len(hosts) - self._ranges),
            guest_ranges=tuple(guests[: self._ranges]),
            guest_ranges_more=max(0, len(guests) - self._ranges),
            guest_complete=kind.complete,
            advice=kind.advice or entry.advice,
            l2_entries=tuple(kind.l2_entries),
            l2_entries_more=kind.l2_entries_more,
        )

    def _guest_ranges(self, kind: _Kind) -> Iterator[GuestRange]:
        size = self._cluster_size
        for layer in sorted(kind.guests, key=lambda number: -1 if number is None else number):
            clusters = np.unique(np.concatenate(kind.guests[layer]))
            starts = np.concatenate(([0], np.flatnonzero(np.diff(clusters) != 1) + 1))
            stops = np.append(starts[1:], len(clusters))
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
                yield GuestRange(layer, int(clusters[start]) * size, (stop - start) * size)


def _merged(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, length in sorted(set(places)):
        if merged and start <= merged[-1][0] + merged[-1][1]:
            first, before = merged[-1]
            merged[-1] = (first, max(before, start + length - first))
        else:
            merged.append((start, length))
    return merged


def _of_problem(problem: Problem) -> Finding:
    advice = HEADER_ADVICE.get(
        problem.code, "restore-header" if problem.severity is Severity.ERROR else "none"
    )
    return Finding(problem.code, problem.severity, problem.sentence, 1, None, (), 0, (), 0, True, advice)
