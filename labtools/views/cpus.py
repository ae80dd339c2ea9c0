"""CPU models of one source, and one model across sources; also as JSON and CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.exports import csv_answer, json_answer, source_json
from labtools.labhost.public_words import without_paths
from labtools.labhost.sections import cpus_json
from labtools.list_parts import page_of
from labtools.queries.cpus import SHOWS, CpuPage, CpuRow, CpuTable, cpu_page, cpu_table
from labtools.queries.sources import Source
from labtools.views.choice import nothing_yet, one_source, several_sources
from portal.missing import Missing

#: Models on one page.
PER_PAGE = 150


def _table(request: HttpRequest, source: Source) -> CpuTable:
    return cpu_table(source, request.GET.get("q", "")[:100], request.GET.get("show", ""))


@require_safe
def cpu_list(request: HttpRequest) -> HttpResponse:
    """The CPU models of a source: usable or not, with the missing features, tcg beside kvm."""
    available, source = one_source(request)
    table = _table(request, source) if source else None
    context = {
        "tab": "cpus",
        "sources": available,
        "source": source,
        "table": table,
        "part": page_of("models", table.rows, request.GET.get("page", ""), PER_PAGE) if table else None,
        "shows": SHOWS,
        "q": request.GET.get("q", "")[:100],
        "show": request.GET.get("show", ""),
    }
    return render(request, "labtools/cpu_list.html", context)


@require_safe
def cpu_list_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    _, source = one_source(request)
    if source is None:
        raise nothing_yet()
    table = _table(request, source)
    return json_answer(
        request,
        {
            "source": source_json(source),
            "silent": {one.name: without_paths(one.last_words) for one in table.silent},
            "models": [_row_json(row) for row in table.rows],
        },
    )


def _row_json(row: CpuRow) -> dict[str, Any]:
    model = cpus_json([row.model])[0]
    del model["unavailable"]
    return model | {
        answer.accelerator: {
            "answer": answer.word,
            "missing": list(answer.missing)
            if answer.model and answer.model.unavailable is not None
            else None,
        }
        for answer in row.answers
    }


_HEADER = ("stands for", "deprecated", "kvm", "missing under kvm", "tcg", "missing under tcg")


def _cells(row: CpuRow) -> list[str]:
    cells = [row.model.alias_of, "yes" if row.model.is_deprecated else "no"]
    for answer in row.answers:
        cells += [answer.word, " ".join(answer.missing)]
    return cells


@require_safe
def cpu_list_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table."""
    _, source = one_source(request)
    if source is None:
        raise nothing_yet()
    rows = ([row.name, *_cells(row)] for row in _table(request, source).rows)
    return csv_answer("cpu-models", ("model", *_HEADER), rows)


def _page(request: HttpRequest, name: str) -> CpuPage:
    available, chosen = several_sources(request)
    page = cpu_page(name, chosen or available)
    if page.model is None:
        raise Missing("No host of the lab has that CPU model.")
    return page


@require_safe
def cpu(request: HttpRequest, name: str) -> HttpResponse:
    """One CPU model: which hosts can give it, and which features are missing where."""
    page = _page(request, name)
    context = {
        "tab": "cpus",
        "page": page,
        "columns": [place.source for place in page.places],
        "counts": page.counts,
    }
    return render(request, "labtools/cpu.html", context)


@require_safe
def cpu_json(request: HttpRequest, name: str) -> JsonResponse:
    """The same as data."""
    page = _page(request, name)
    places = [
        {"source": source_json(place.source), "model": _row_json(place.row) if place.row else None}
        for place in page.places
    ]
    return json_answer(request, {"name": page.name, "on": places})


@require_safe
def cpu_csv(request: HttpRequest, name: str) -> HttpResponse:
    """The same as a table."""
    rows = (
        [place.source.label, place.source.permanent_key, *(_cells(place.row) if place.row else ["not there"])]
        for place in _page(request, name).places
    )
    return csv_answer("cpu-model", ("host", "key", *_HEADER), rows)
