"""Machine types of one source, and one name across sources; also as JSON and CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.exports import csv_answer, json_answer, source_json
from labtools.labhost.document import Machine
from labtools.labhost.sections import machines_json
from labtools.queries.machines import SHOWS, MachinePage, MachineTable, machine_page, machine_table
from labtools.queries.sources import Source, choose_default
from labtools.views.choice import nothing_yet, of_target, several_sources
from portal.missing import Missing


def _asked(request: HttpRequest) -> tuple[tuple[Source, ...], Source | None, tuple[Source, ...]]:
    """All sources, the one whose machine types are listed, and those that it is compared with, itself among them.

    The first ``on=`` is the source. Others, and a pinned one, leave no more than what they name: that is how a
    permanent link stays what it was.
    """
    available, chosen = several_sources(request)
    source = chosen[0] if chosen else choose_default(available)
    if source is None or len(chosen) > 1 or source.is_pinned:
        return available, source, chosen
    return available, source, of_target(available, source.emulator.key)


def _table(request: HttpRequest, source: Source, columns: tuple[Source, ...]) -> MachineTable:
    return machine_table(source, columns, request.GET.get("q", "")[:100], request.GET.get("show", ""))


@require_safe
def machine_list(request: HttpRequest) -> HttpResponse:
    """The machine types of a source, and which other versions and hosts have them."""
    available, source, columns = _asked(request)
    context = {
        "tab": "machines",
        "sources": available,
        "source": source,
        "table": _table(request, source, columns) if source else None,
        "pins": (source, *(one for one in columns if one.permanent_key != source.permanent_key))
        if source
        else (),
        "shows": SHOWS,
        "q": request.GET.get("q", "")[:100],
        "show": request.GET.get("show", ""),
    }
    return render(request, "labtools/machine_list.html", context)


@require_safe
def machine_list_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    source, table = _found(request)
    rows: list[dict[str, Any]] = [
        {
            **(machines_json([row.here])[0] if row.here else {"name": row.name}),
            "on": [one.key for one in row.sources],
        }
        for row in (*table.here, *table.elsewhere)
    ]
    return json_answer(request, {"source": source_json(source), "machines": rows})


def _found(request: HttpRequest) -> tuple[Source, MachineTable]:
    _, source, columns = _asked(request)
    if source is None:
        raise nothing_yet()
    return source, _table(request, source, columns)


_HEADER = ("alias", "default", "deprecated", "CPUs at most", "default CPU")


def _cells(machine: Machine) -> list[str]:
    return [
        machine.alias,
        "yes" if machine.is_default else "no",
        "yes" if machine.is_deprecated else "no",
        str(machine.cpu_max),
        machine.default_cpu,
    ]


@require_safe
def machine_list_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table."""
    _, table = _found(request)
    rows = (
        [
            row.name,
            *(_cells(row.here) if row.here else ["not here", "", "", "", ""]),
            " ".join(_keys(row.sources)),
        ]
        for row in (*table.here, *table.elsewhere)
    )
    return csv_answer("machine-types", ("name", *_HEADER, "on"), rows)


def _keys(found: tuple[Source, ...]) -> list[str]:
    return [one.key for one in found]


def _page(request: HttpRequest, name: str) -> MachinePage:
    available, chosen = several_sources(request)
    page = machine_page(name, chosen or available)
    if not page.places:
        raise Missing("No host of the lab has that machine type.")
    return page


@require_safe
def machine(request: HttpRequest, name: str) -> HttpResponse:
    """One machine type or alias: which versions and hosts take it, and what it is there."""
    page = _page(request, name)
    context = {"tab": "machines", "page": page, "columns": [place.source for place in page.places]}
    return render(request, "labtools/machine.html", context)


@require_safe
def machine_json(request: HttpRequest, name: str) -> JsonResponse:
    """The same as data."""
    places = [
        {
            "source": source_json(place.source),
            "answer": place.word,
            "machine": machines_json([place.machine])[0] if place.machine else None,
        }
        for place in _page(request, name).places
    ]
    return json_answer(request, {"name": name, "on": places})


@require_safe
def machine_csv(request: HttpRequest, name: str) -> HttpResponse:
    """The same as a table."""
    rows = (
        [
            place.source.label,
            place.source.permanent_key,
            place.word,
            *([place.machine.name, *_cells(place.machine)] if place.machine else [""] * 6),
        ]
        for place in _page(request, name).places
    )
    return csv_answer("machine-type", ("host", "key", "answer", "machine type", *_HEADER), rows)
