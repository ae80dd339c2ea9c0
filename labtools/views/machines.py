"""Machine types of one source, and one name across sources; also as JSON and CSV."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.exports import csv_answer, json_answer, source_json
from labtools.labhost.document import Machine
from labtools.labhost.sections import machines_json
from labtools.queries.machines import SHOWS, MachinePage, MachineTable, machine_page, machine_table
from labtools.queries.sources import Source
from labtools.views.choice import nothing_yet, one_source, several_sources


def _table(request: HttpRequest, source: Source, available: tuple[Source, ...]) -> MachineTable:
    return machine_table(source, available, request.GET.get("q", "")[:100], request.GET.get("show", ""))


@require_safe
def machine_list(request: HttpRequest) -> HttpResponse:
    """The machine types of a source, and which other versions and hosts have them."""
    available, source = one_source(request)
    context = {
        "tab": "machines",
        "sources": available,
        "source": source,
        "table": _table(request, source, available) if source else None,
        "shows": SHOWS,
        "q": request.GET.get("q", "")[:100],
        "show": request.GET.get("show", ""),
    }
    return render(request, "labtools/machine_list.html", context)


@require_safe
def machine_list_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    available, source = one_source(request)
    if source is None:
        raise nothing_yet()
    table = _table(request, source, available)
    rows: list[dict[str, Any]] = [
        {
            **(machines_json([row.here])[0] if row.here else {"name": row.name}),
            "on": [one.key for one in row.sources],
        }
        for row in (*table.here, *table.elsewhere)
    ]
    return json_answer(request, {"source": source_json(source), "machines": rows})


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
    available, source = one_source(request)
    if source is None:
        raise nothing_yet()
    table = _table(request, source, available)
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
        raise Http404("No host of the lab has that machine type.")
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
