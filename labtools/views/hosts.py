"""Lab hosts: the list, and the page of each."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from labtools import host_exports
from labtools.exports import csv_answer, json_answer
from labtools.models import LabHost
from labtools.queries import hosts as queries
from labtools.queries.host_inventory import has_inventory, inventory_page
from labtools.services import lab_keys
from labtools.views.access import is_staff
from portal.missing import Missing


def visible_host(request: HttpRequest, slug: str) -> LabHost:
    """The host if the reader may know of it; else a 404."""
    found = (
        LabHost.objects.visible_to(request.user).select_related("current__snapshot").filter(slug=slug).first()
    )
    if found is None:
        raise Missing("There is no lab host of that name that you may see.")
    return found


@require_safe
def host_list(request: HttpRequest) -> HttpResponse:
    """Every host with its state and what it has."""
    lines = queries.host_lines(request.user, timezone.now())
    context = {
        "tab": "hosts",
        "lines": [line for line in lines if not line.host.is_reference],
        "references": [line for line in lines if line.host.is_reference],
        "is_staff": is_staff(request),
    }
    return render(request, "labtools/host_list.html", context)


@require_safe
def host_list_json(request: HttpRequest) -> HttpResponse:
    """The list as data."""
    lines = queries.host_lines(request.user, timezone.now())
    return json_answer(request, {"hosts": [host_exports.host_line_json(line) for line in lines]})


@require_safe
def host_list_csv(request: HttpRequest) -> HttpResponse:
    """The list as a table: a row for each QEMU of each host."""
    lines = queries.host_lines(request.user, timezone.now())
    return csv_answer("lab-hosts", host_exports.HOST_HEADER, host_exports.host_rows(lines))


@require_safe
@vary_on_headers("HX-Request")
@never_cache
def host(request: HttpRequest, slug: str) -> HttpResponse:
    """What a host has, what changed, and for staff how asking it goes.

    htmx asks for that last part alone while the host is being asked.
    """
    found = visible_host(request, slug)
    staff = is_staff(request)
    at = timezone.now()
    context = {"host": found, "is_staff": staff, "tab": "hosts"}
    if staff:
        context |= {
            "public_key": lab_keys.public_key(found.ssh_key_name) if found.ssh_key_name else None,
            "state": queries.state_of(found, at),
            "is_circuit_open": queries.is_circuit_open(found, at),
            "restless_answers": queries.restless_answers(found, at),
        }
    if staff and "HX-Request" in request.headers:
        return render(request, "labtools/host.html#probing", context)
    context |= {
        "page": queries.host_page(found, is_staff=staff, at=at),
        "inventory": inventory_page(found, request.user),
    }
    context["is_inventory_hidden"] = context["inventory"] is None and has_inventory(found)
    return render(request, "labtools/host.html", context)


@require_safe
def host_json(request: HttpRequest, slug: str) -> HttpResponse:
    """The page as data."""
    found = visible_host(request, slug)
    page = queries.host_page(found, is_staff=is_staff(request), at=timezone.now())
    inventory = inventory_page(found, request.user)
    return json_answer(request, host_exports.host_json(page) | host_exports.inventory_json(inventory))


@require_safe
def host_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Its QEMUs as a table."""
    found = visible_host(request, slug)
    page = queries.host_page(found, is_staff=is_staff(request), at=timezone.now())
    rows = host_exports.emulator_rows(page.emulators)
    return csv_answer(f"lab-host-{found.slug}", host_exports.EMULATOR_HEADER, rows)


def host_address(found: LabHost) -> str:
    """Where staff see how asking goes."""
    return reverse("labtools:host", args=[found.slug]) + "#probing"
