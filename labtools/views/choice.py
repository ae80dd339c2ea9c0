"""Which sources an address asks for."""

from django.http import HttpRequest

from labtools.queries.sources import PARAMETER, Source, choose_default, find_source, find_sources, sources
from portal.missing import Missing


def one_source(request: HttpRequest) -> tuple[tuple[Source, ...], Source | None]:
    """All sources of this person, and the one of ``on=``, else the default; None while the lab has nothing."""
    available = sources(request.user)
    key = request.GET.get(PARAMETER, "")
    if not key:
        return available, choose_default(available)
    return available, _among(available, key) or find_source(request.user, key)


def several_sources(request: HttpRequest) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """All sources of this person, and those of ``on=`` (repeatable), none where the address names none."""
    available = sources(request.user)
    keys = [key for key in request.GET.getlist(PARAMETER) if key]
    if all(_among(available, key) for key in keys):
        return available, tuple(source for key in dict.fromkeys(keys) if (source := _among(available, key)))
    return available, find_sources(request.user, keys)


def of_target(available: tuple[Source, ...], target: str) -> tuple[Source, ...]:
    """The sources of one target; a second binary of a host for the same target has no column of its own."""
    return tuple(source for source in available if source.emulator.key == target)


def targets(available: tuple[Source, ...]) -> tuple[str, ...]:
    """The targets that any source has, the usual ones first."""
    usual = ("x86_64", "aarch64", "ppc64", "s390x", "riscv64")
    found = {source.emulator.target for source in available}
    return (*(target for target in usual if target in found), *sorted(found.difference(usual)))


def nothing_yet() -> Missing:
    """For programs that ask while no host has answered."""
    return Missing("The lab has no host with anything to show yet.")


def _among(available: tuple[Source, ...], key: str) -> Source | None:
    return next((source for source in available if source.key == key), None)
