"""The search of the lab, for people as they type and for programs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from labtools.exports import csv_answer, json_answer
from labtools.queries.catalogue import FoundProperty
from labtools.queries.lab_search import search
from labtools.queries.option_matrix import option_address


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
                "url": _address(one),
            }
            for one in found.properties
        ],
        "property_count": found.property_count,
        "did_you_mean": found.did_you_mean,
    }
    return json_answer(request, answer)


def _address(option: FoundProperty) -> str:
    """Where an option is on the page of the first of its device types."""
    return option_address(option.devices[0], option.name) if option.devices else reverse("labtools:cpu_list")


@require_safe
def lab_search_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table."""
    found = search(request.user, request.GET.get("q", ""))
    devices = (("device type", one.name, one.alias, one.group, one.description) for one in found.devices)
    options = (
        ("option", one.name, "", f"{', '.join(one.devices)} ({one.device_count} in all)", one.description)
        for one in found.properties
    )
    header = ("kind", "name", "alias", "group or device types", "description")
    return csv_answer("lab-search", header, [*devices, *options])
