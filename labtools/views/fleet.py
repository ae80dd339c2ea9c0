"""What works on all chosen hosts, also as JSON and CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.exports import csv_answer, json_answer, source_json
from labtools.queries.fleet import FleetPage, Section, fleet_page
from labtools.queries.sources import MAX_SOURCES
from labtools.views.choice import several_sources
from portal.missing import Missing


def _page(request: HttpRequest) -> tuple[dict[str, Any], FleetPage | None]:
    available, chosen = several_sources(request)
    q, device = request.GET.get("q", "")[:100], request.GET.get("device", "")[:200]
    pinned = tuple(source for source in chosen if source.is_pinned)
    context = {
        "tab": "compare",
        "available": (*available, *pinned),
        "chosen_keys": {source.key for source in chosen},
        "max_sources": MAX_SOURCES,
        "q": q,
        "device": device,
    }
    return context, fleet_page(chosen, q, device) if len(chosen) > 1 else None


@require_safe
def common(request: HttpRequest) -> HttpResponse:
    """What a guest can rely on wherever in the chosen fleet it starts, and who lacks the rest."""
    context, page = _page(request)
    return render(request, "labtools/common.html", {**context, "page": page})


def _chosen(request: HttpRequest) -> FleetPage:
    page = _page(request)[1]
    if page is None:
        raise Missing("Choose at least two QEMUs: on=…&on=…")
    return page


def _section_json(section: Section) -> dict[str, Any]:
    return {
        "common": list(section.names),
        "missing": {one.name: {source.key: why for source, why in one.where} for one in section.missing},
    }


@require_safe
def common_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    page = _chosen(request)
    sections = {section.slug: _section_json(section) for section in page.sections}
    if page.options:
        sections["options"] = {"device": page.device, **_section_json(page.options)}
    return json_answer(request, {"sources": [source_json(source) for source in page.sources], **sections})


@require_safe
def common_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table, with a column for each source."""
    page = _chosen(request)
    rows: list[list[str]] = []
    for section in (*page.sections, *((page.options,) if page.options else ())):
        rows += [[section.title, name, "yes", *([""] * len(page.sources))] for name in section.names]
        for one in section.missing:
            why = {source.key: reason for source, reason in one.where}
            rows.append(
                [section.title, one.name, "no", *(why.get(source.key, "") for source in page.sources)]
            )
    return csv_answer("common", ("kind", "name", "on all", *(source.label for source in page.sources)), rows)
