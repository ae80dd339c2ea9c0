"""Tell in sentences what changed on a host from one document to the next, the most important first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from labtools.labhost.document import HostDocument, PropertyList, Qemu, Status

from .differences import Differences, Kind, PropertyChange, PropertyListOf, compare_qemus

#: Sentences of one summary, and names in one sentence, before the rest is counted.
MAX_SENTENCES, MAX_NAMES = 12, 4


@dataclass(frozen=True, slots=True)
class _Pair:
    """One binary before and after; one of both is None where it came or went."""

    target: str
    before: Qemu | None
    after: Qemu | None
    differences: Differences | None


def summarize_changes(before: HostDocument, after: HostDocument) -> list[str]:
    """Return what changed as sentences without a full stop, for example ``QEMU 7.2.22 to 10.0.13``.

    The order is that of importance: versions, binaries that came or went, what does not answer any more, devices,
    machine types, CPU models, properties, objects. At most :data:`MAX_SENTENCES`; the last one then counts the
    rest. Empty if nothing changed that a guest could notice.
    """

    def property_list(digest: str) -> PropertyList:
        # Those of a stored document are read when they are asked for, and most are not.
        lists = after.property_lists if digest in after.property_lists else before.property_lists
        return lists[digest]

    pairs = _pair_up(before.qemu, after.qemu, property_list)
    # A binary that came or went has no version from and to: the others speak for all.
    stayed = [pair for pair in pairs if pair.before is not None and pair.after is not None]
    told = [*_by_target(stayed, _versions), *_by_target(pairs, _presence)]
    told += _host(before, after)
    told += _by_target(pairs, _answers)
    for tell_differences in (_devices, _machines, _cpus, _properties, _objects):
        told += _by_target(pairs, _of_differences(tell_differences))
    if len(told) <= MAX_SENTENCES:
        return told
    rest = len(told) - MAX_SENTENCES + 1
    return [*told[: MAX_SENTENCES - 1], f"and {rest} more"]


def _pair_up(before: Sequence[Qemu], after: Sequence[Qemu], property_list: PropertyListOf) -> list[_Pair]:
    """The same binary by its path; what is left over by its target, in order."""
    old = {item.binary: item for item in before}
    pairs = []
    new = []
    for item in after:
        same = old.get(item.binary)
        if same is not None and same.target == item.target:
            del old[item.binary]
            pairs.append(_pair(same, item, property_list))
        else:
            new.append(item)
    for item in new:
        path = next((path for path, candidate in old.items() if candidate.target == item.target), None)
        pairs.append(_pair(None if path is None else old.pop(path), item, property_list))
    return [*pairs, *(_Pair(item.target, item, None, None) for item in old.values())]


def _pair(before: Qemu | None, after: Qemu, property_list: PropertyListOf) -> _Pair:
    differences = None if before is None else compare_qemus(before, after, property_list)
    return _Pair(after.target, before, after, differences)


def _of_differences(tell: Callable[[Differences], Iterable[str]]) -> Callable[[_Pair], Iterable[str]]:
    return lambda pair: tell(pair.differences) if pair.differences else ()


def _by_target(pairs: Sequence[_Pair], tell: Callable[[_Pair], Iterable[str]]) -> list[str]:
    """What ``tell`` says of each binary, once for all that share it, named by target where not all do."""
    said: dict[str, list[str]] = {}
    for pair in pairs:
        for sentence in tell(pair):
            targets = said.setdefault(sentence, [])
            if pair.target not in targets:
                targets.append(pair.target)
    of_all = {pair.target for pair in pairs}
    return [
        sentence if set(targets) == of_all else f"{_names(sorted(targets))}: {sentence}"
        for sentence, targets in said.items()
    ]


def _presence(pair: _Pair) -> Iterator[str]:
    if pair.before is None and pair.after is not None:
        yield f"new binary with QEMU {pair.after.version}" if pair.after.version else "new binary"
    if pair.before is not None and pair.after is None:
        yield (
            f"a binary with QEMU {pair.before.version} is gone" if pair.before.version else "a binary is gone"
        )


def _versions(pair: _Pair) -> Iterator[str]:
    if pair.before is None or pair.after is None:
        return
    if pair.before.version and pair.after.version and pair.before.version != pair.after.version:
        yield f"QEMU {pair.before.version} to {pair.after.version}"
    elif pair.before.package and pair.after.package and pair.before.package != pair.after.package:
        yield f"QEMU package {pair.before.package} to {pair.after.package}"


def _host(before: HostDocument, after: HostDocument) -> Iterator[str]:
    old, new = before.libvirt_version, after.libvirt_version
    if old and new and old != new:
        yield f"libvirt {old} to {new}"
    elif old != new:
        yield f"libvirt {new} answers" if new else f"libvirt {old} does not answer any more"
    if before.machine and after.machine and before.machine != after.machine:
        yield f"machine {before.machine} to {after.machine}"
    # Reference versions ran on no kernel of their own.
    if before.kernel and after.kernel and before.kernel != after.kernel:
        yield f"kernel {before.kernel} to {after.kernel}"


def _answers(pair: _Pair) -> Iterator[str]:
    if pair.before is None or pair.after is None:
        return
    if pair.before.status is not pair.after.status:
        yield "QEMU answers again" if pair.after.status is Status.OK else "QEMU does not answer any more"
    old = {item.name: item.status is Status.OK for item in pair.before.accelerators}
    new = {item.name: item.status is Status.OK for item in pair.after.accelerators}
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name, False), new.get(name, False)
        if was != now:
            yield f"{name} answers" if now else f"{name} does not answer any more"


def _devices(found: Differences) -> Iterator[str]:
    cpu_types = {
        model.type for change in found.cpus for model in (change.before, change.after) if model is not None
    }
    devices = [change for change in found.devices if change.name not in cpu_types]
    for kind, words in (
        (Kind.DIED, "QEMU ends over {}"),
        (Kind.REMOVED, "{} removed"),
        (Kind.RETURNED, "{} came back"),
        (Kind.ADDED, "{} added"),
    ):
        names = [change.name for change in devices if change.kind is kind]
        if names:
            yield words.format(_names(names))
    for value, words in (("no", "no longer user-creatable: {}"), ("yes", "user-creatable now: {}")):
        names = [
            change.name
            for change in devices
            if any(field.field == "user-creatable" and field.after == value for field in change.fields)
        ]
        if names:
            yield words.format(_names(names))


def _machines(found: Differences) -> Iterator[str]:
    for kind, words in ((Kind.REMOVED, "machine types removed: {}"), (Kind.ADDED, "machine types added: {}")):
        names = [change.name for change in found.machines if change.kind is kind]
        if names:
            yield words.format(_names(names))
    deprecated = [
        change.name
        for change in found.machines
        if any(field.field == "deprecated" and field.after == "yes" for field in change.fields)
    ]
    if deprecated:
        yield f"machine types deprecated: {_names(deprecated)}"
    for move in found.alias_moves:
        name = f"`{move.alias}`" if move.alias else "the default machine type"
        yield f"{name} is {move.after or 'nothing'}, was {move.before or 'nothing'}"


def _cpus(found: Differences) -> Iterator[str]:
    for accelerator in ("kvm", "tcg"):
        changes = [change for change in found.cpus if change.accelerator == accelerator]
        for words, names in (
            ("no longer usable under {}: {}", [item.name for item in changes if item.became_unusable]),
            ("usable under {} now: {}", [item.name for item in changes if item.became_usable]),
        ):
            if names:
                yield words.format(accelerator, _names(names))
    for kind, words in ((Kind.REMOVED, "CPU models removed: {}"), (Kind.ADDED, "CPU models added: {}")):
        names = sorted({change.name for change in found.cpus if change.kind is kind})
        if names:
            yield words.format(_names(names))


def _properties(found: Differences) -> Iterator[str]:
    """Lost first, then types, defaults and gained; device types that share a change share the sentence."""
    rules: tuple[tuple[str, Callable[[PropertyChange], bool]], ...] = (
        ("{} lost {}", lambda change: change.kind is Kind.REMOVED),
        ("{} has another type of {}", lambda change: change.has_changed("type")),
        ("{} has another default of {}", lambda change: change.has_changed("default")),
        ("{} gained {}", lambda change: change.kind is Kind.ADDED),
    )
    for words, is_meant in rules:
        shared: dict[tuple[str, ...], list[str]] = {}
        for device in found.devices:
            names = tuple(change.name for change in device.properties if is_meant(change))
            if names:
                shared.setdefault(names, []).append(device.name)
        for names, devices in sorted(shared.items(), key=lambda item: (-len(item[1]), item[1])):
            yield words.format(_names(devices), _names([f"`{name}`" for name in names]))


def _objects(found: Differences) -> Iterator[str]:
    for kind, words in ((Kind.REMOVED, "objects removed: {}"), (Kind.ADDED, "objects added: {}")):
        names = [change.name for change in found.objects if change.kind is kind]
        if names:
            yield words.format(_names(names))


def _names(names: Sequence[str]) -> str:
    """Some names and an honest count of the others."""
    shown, rest = names[:MAX_NAMES], len(names) - MAX_NAMES
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
