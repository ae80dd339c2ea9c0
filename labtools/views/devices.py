"""Device types: the explorer and the page of one type, also as JSON and CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from labtools import device_page
from labtools.exports import csv_answer, json_answer, source_json
from labtools.labhost.public_words import without_paths
from labtools.labhost.sections import devices_json
from labtools.list_parts import ListPart, first_of, page_of
from labtools.queries import devices as queries
from labtools.queries.catalogue import search_lab
from labtools.queries.devices import DeviceFilter, DeviceGroup
from labtools.queries.sources import PARAMETER, Source
from labtools.views.choice import nothing_yet, one_source

#: Options that the explorer names below the device types.
MAX_OPTIONS = 5
#: Device types of each group; all of one are on pages of its own.
FIRST, PER_PAGE = 75, 200


@require_safe
@vary_on_headers("HX-Request")
def device_list(request: HttpRequest) -> HttpResponse:
    """All device types of a source in QEMU's groups, narrowed as one types. htmx asks for the list alone."""
    available, source = one_source(request)
    if source is None:
        return render(request, "labtools/device_list_empty.html", {"tab": "devices"})
    narrowed = DeviceFilter.from_query(request.GET.dict())
    found = queries.explore(source, narrowed)
    number = request.GET.get("page", "")
    is_part = "HX-Request" in request.headers
    context = {
        "tab": "devices",
        "sources": available,
        "source": source,
        "filter": narrowed,
        "found": found,
        "groups": [(group, _part(group, narrowed, number)) for group in found.groups],
        "elsewhere": ()
        if found.shown or not narrowed.q
        else device_page.others_with(available, source, narrowed.q),
        "options": search_lab(narrowed.q, limit=MAX_OPTIONS) if narrowed.q else None,
        "is_part": is_part,
    }
    return render(request, f"labtools/device_list.html{'#results' if is_part else ''}", context)


def _part(group: DeviceGroup, narrowed: DeviceFilter, number: str) -> ListPart:
    """The rows of ``group``: a page of them where the address asks for that group alone."""
    if narrowed.group == group.value:
        return page_of(group.value, group.devices, number, PER_PAGE)
    return first_of(group.value, group.devices, FIRST)


def _listed(request: HttpRequest) -> tuple[Source, list[dict[str, Any]]]:
    """The source and the rows that the explorer shows for this address."""
    _, source = one_source(request)
    if source is None:
        raise nothing_yet()
    found = queries.explore(source, DeviceFilter.from_query(request.GET.dict()))
    rows = devices_json(device for group in found.groups for device in group.devices)
    for row in rows:
        row["last_words"] = without_paths(row["last_words"])
    return source, rows


@require_safe
def device_list_json(request: HttpRequest) -> JsonResponse:
    """The explorer's list as data."""
    source, rows = _listed(request)
    for row in rows:
        row["url"] = reverse("labtools:device_json", args=[row["name"]])
    return json_answer(request, {"source": source_json(source), "devices": rows})


@require_safe
def device_list_csv(request: HttpRequest) -> HttpResponse:
    """The explorer's list as a table."""
    source, rows = _listed(request)
    fields = ("name", "alias", "group", "bus", "description", "user_creatable", "status", "last_words")
    words = {True: "yes", False: "no", None: ""}
    cells = (
        ["" if row[field] is None else words.get(row[field], row[field]) for field in fields] for row in rows
    )
    return csv_answer(f"devices-{source.emulator.target}", fields, cells)


def _page_or_answer(request: HttpRequest, name: str, suffix: str) -> "device_page.DevicePage | HttpResponse":
    """The page of ``name``; or a redirect to the name that it stands for; or the page that says what there is."""
    available, source = one_source(request)
    is_chosen = bool(request.GET.get(PARAMETER))
    found = device_page.locate(available, source, name, is_chosen=is_chosen)
    if found is None:
        context = device_page.missing(available, source, name)
        return render(request, "labtools/device_missing.html", {"tab": "devices", **context}, status=404)
    if found.device.name != name:
        query = request.GET.urlencode()
        url = reverse(f"labtools:device{suffix}", args=[found.device.name])
        return HttpResponse(status=302, headers={"Location": f"{url}?{query}" if query else url})
    return device_page.device_page(available, found)


@require_safe
def device(request: HttpRequest, name: str) -> HttpResponse:
    """One device type: its options, and which other versions and hosts have them."""
    page = _page_or_answer(request, name, "")
    if isinstance(page, HttpResponse):
        return page
    show = device_page.Show.from_query(request.GET.dict())
    context = {
        "tab": "devices",
        "source": page.source,
        "page": page,
        "show": show,
        "rows": page.rows(show),
    }
    return render(request, "labtools/device.html", context)


@require_safe
def device_json(request: HttpRequest, name: str) -> HttpResponse:
    """The same as data, with the text of ``-device …,help``."""
    page = _page_or_answer(request, name, "_json")
    return page if isinstance(page, HttpResponse) else json_answer(request, device_page.as_json(page))


@require_safe
def device_csv(request: HttpRequest, name: str) -> HttpResponse:
    """Its options as a table, with a column for each source."""
    page = _page_or_answer(request, name, "_csv")
    return (
        page if isinstance(page, HttpResponse) else csv_answer("device-options", *device_page.as_table(page))
    )
