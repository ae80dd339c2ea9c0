"""The search of the lab, for people as they type and for programs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from labtools.exports import csv_answer, json_answer
from labtools.queries.lab_search import search


@require_safe
@vary_on_headers("HX-Request")
def lab_search(request: HttpRequest) -> HttpResponse:
    """Device types and options that all hosts have now. htmx asks for what was found alone."""
    found = search(request.user, request.GET.get("q", ""))
    is_part = "HX-Request" in request.headers
    context = {"tab": "search", "found": found, "is_part": is_part}
    return render(request, f"labtools/search.html{'#results' if is_part else ''}", context)


@require_safe
def lab_search_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    found = search(request.user, request.GET.get("q", ""))
    devices = [
        {
            "name": device.name,
            "alias": device.alias,
            "group": device.group,
            "description": device.description,
            "url": reverse("labtools:device", args=[device.name]),
        }
        for device in found.devices
    ]
    answer = {
        "query": found.query,
        "devices": devices,
        "device_count": found.device_count,
        "properties": [
            {
                "name": one.name,
                "description": one.description,
                "devices": one.devices,
                "device_count": one.device_count,
            }
            for one in found.properties
        ],
        "property_count": found.property_count,
        "did_you_mean": found.did_you_mean,
    }
    return json_answer(request, answer)


@require_safe
def lab_search_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table."""
    found = search(request.user, request.GET.get("q", ""))
    rows = ((device.name, device.alias, device.group, device.description) for device in found.devices)
    return csv_answer("lab-search", ("name", "alias", "group", "description"), rows)
