"""What works on all of several sources."""

from collections.abc import Sequence
from dataclasses import dataclass

from labtools.labhost.fleet import Common, Fleet, Lack, intersect, intersect_properties
from labtools.models import Fact
from labtools.queries import facts
from labtools.queries.sources import Source


@dataclass(frozen=True)
class Missing:
    """A thing that is not on all, with who lacks it and why."""

    name: str
    where: tuple[tuple[Source, str], ...]


@dataclass(frozen=True)
class Section:
    """What is common of one kind, and what is not, as a filter leaves it."""

    slug: str
    title: str
    names: tuple[str, ...]
    missing: tuple[Missing, ...]
    total: int
    """How many names are common without the filter."""


@dataclass(frozen=True)
class FleetPage:
    """What ``sources`` have in common; ``options`` of one device type where that was asked for."""

    sources: tuple[Source, ...]
    sections: tuple[Section, ...]
    device: str
    options: Section | None


def fleet_page(chosen: tuple[Source, ...], q: str = "", device: str = "") -> FleetPage:
    """Return what works on all of ``chosen``. Two queries at most."""
    facts.read_ahead(
        [source.emulator for source in chosen],
        Fact.Kind.DEVICES,
        Fact.Kind.MACHINES,
        Fact.Kind.CPUS,
        Fact.Kind.OBJECTS,
    )
    found = intersect([facts.stored_qemu(source.emulator) for source in chosen])
    words = q.lower().split()
    return FleetPage(
        sources=chosen,
        sections=tuple(_section(*one, chosen, words) for one in _kinds(found)),
        device=device,
        options=_options(chosen, device) if device else None,
    )


def _kinds(found: Fleet) -> Sequence[tuple[str, str, Common]]:
    return (
        ("devices", "Device types", found.devices),
        ("machines", "Machine types and aliases", found.machines),
        ("cpus-kvm", "CPU models under kvm", found.cpus["kvm"]),
        ("cpus-tcg", "CPU models under tcg", found.cpus["tcg"]),
        ("objects", "Objects", found.objects),
    )


def _section(
    slug: str, title: str, common: Common, chosen: tuple[Source, ...], words: Sequence[str]
) -> Section:
    def is_meant(name: str) -> bool:
        return all(word in name.lower() for word in words)

    return Section(
        slug=slug,
        title=title,
        names=tuple(name for name in common.names if is_meant(name)),
        missing=tuple(_missing(lack, chosen) for lack in common.lacks if is_meant(lack.name)),
        total=len(common.names),
    )


def _missing(lack: Lack, chosen: tuple[Source, ...]) -> Missing:
    return Missing(lack.name, tuple((chosen[place], why) for place, why in lack.where))


def _options(chosen: tuple[Source, ...], name: str) -> Section | None:
    """The options that the device type ``name`` has with one type on all; None where no source has it."""
    found = [facts.devices(source.emulator).get(name) for source in chosen]
    if not any(found):
        return None
    lists = facts.property_lists({one.properties for one in found if one and one.properties})
    common = intersect_properties(
        [lists[one.properties] if one and one.properties else None for one in found]
    )
    return _section("options", f"Options of {name}", common, chosen, ())
