"""Snapshots under their hash, and what changed from one to the next."""

import datetime as dt

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.views.decorators.http import conditional_page, require_safe

from labtools import host_exports
from labtools.exports import csv_answer, json_answer
from labtools.models import LabHost, Sighting, Snapshot
from labtools.queries import hosts as queries
from labtools.queries.sources import NO_SNAPSHOT
from labtools.views.access import is_staff
from portal.missing import Missing

PAGE = 25
#: Entries of the feed, and of JSON and CSV.
FEED, MOST = 50, 1000
_LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def _snapshot(request: HttpRequest, digest: str) -> tuple[Snapshot, list[Sighting]]:
    """The snapshot and where it was seen; a 404 where the reader may know of no host that had it."""
    snapshot = Snapshot.objects.filter(pk=digest).first()
    sightings = list(queries.sightings_of(snapshot, request.user)) if snapshot else []
    if snapshot is None or not sightings:
        raise Missing(NO_SNAPSHOT)
    return snapshot, sightings


@require_safe
def snapshot(request: HttpRequest, digest: str) -> HttpResponse:
    """What one probe found out, for ever under the same address."""
    found, sightings = _snapshot(request, digest)
    staff = is_staff(request)
    context = {
        "snapshot": found,
        "sightings": sightings,
        "emulators": queries.emulator_lines(found, found.digest, is_staff=staff),
        "problems": queries.problems_of(found, is_staff=staff),
        "address": settings.SITE_URL + found.get_absolute_url(),
        "tab": "hosts",
    }
    return render(request, "labtools/snapshot.html", context)


@require_safe
def snapshot_json(request: HttpRequest, digest: str) -> HttpResponse:
    """The same as data, with the names of all that its QEMUs have."""
    found, sightings = _snapshot(request, digest)
    emulators = queries.emulator_lines(found, found.digest, is_staff=is_staff(request))
    problems = queries.problems_of(found, is_staff=is_staff(request))
    return json_answer(request, host_exports.snapshot_json(found, sightings, emulators, problems))


@require_safe
def snapshot_csv(request: HttpRequest, digest: str) -> HttpResponse:
    """Its QEMUs as a table."""
    found, _ = _snapshot(request, digest)
    emulators = queries.emulator_lines(found, found.digest, is_staff=is_staff(request))
    rows = host_exports.emulator_rows(emulators)
    return csv_answer(f"lab-snapshot-{found.digest[:12]}", host_exports.EMULATOR_HEADER, rows)


@require_safe
def change_list(request: HttpRequest) -> HttpResponse:
    """What changed on the hosts, newest first."""
    entries = queries.changes(LabHost.objects.visible_to(request.user))
    page = Paginator(entries, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "changes": [queries.change_of(one) for one in page], "tab": "hosts"}
    return render(request, "labtools/change_list.html", context)


@require_safe
def change_list_json(request: HttpRequest) -> HttpResponse:
    """The newest changes as data."""
    entries = queries.changes(LabHost.objects.visible_to(request.user))[:MOST]
    changes = [host_exports.change_json(queries.change_of(one)) for one in entries]
    return json_answer(request, {"changes": changes})


@require_safe
def change_list_csv(request: HttpRequest) -> HttpResponse:
    """The newest changes as a table, a row for each sentence."""
    entries = queries.changes(LabHost.objects.visible_to(request.user))[:MOST]
    rows = host_exports.change_rows(map(queries.change_of, entries))
    return csv_answer("lab-changes", host_exports.CHANGE_HEADER, rows)


class _Feed(Atom1Feed):
    """Django says that a feed without entries was updated just now, which would be new at every question."""

    def latest_post_date(self) -> dt.datetime:
        return super().latest_post_date() if self.items else _LONG_AGO


@require_safe
@conditional_page
def change_feed(request: HttpRequest) -> HttpResponse:
    """Atom: what changed on the hosts that everybody may see. Knows nobody who asks."""
    link = settings.SITE_URL + reverse("labtools:change_list")
    feed = _Feed(
        title=f"Changes of the lab hosts · {settings.SITE_NAME}",
        link=link,
        description="",
        language="en",
        feed_url=settings.SITE_URL + reverse("labtools:change_feed"),
        feed_guid=link,
    )
    for one in queries.changes(LabHost.objects.visible_to(None))[:FEED]:
        feed.add_item(**host_exports.feed_entry(queries.change_of(one), settings.SITE_URL))
    response = HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["Cache-Control"] = "public, max-age=300"
    return response
