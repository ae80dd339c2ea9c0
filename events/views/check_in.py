"""The page at the door. It works without a script; with one, also without a network for a while."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from pydantic import ValidationError

from events.forms.check_in import SentActs, WalkInForm
from events.models import Meetup
from events.permissions import can_manage_meetup
from events.queries.check_in import Door, door, expected_rsvps, seen
from events.services import check_in as door_service
from events.services.check_in import Act, CheckInRefused, HouseFull, Outcome
from events.views.access import actor_of, for_door_helpers

#: The page may look through the camera; no other page may (portal/middleware.py).
_CAMERA = "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"
#: How long after a meetup a phone keeps its list.
KEPT = dt.timedelta(hours=24)


def _kept_until(meetup: Meetup, at: dt.datetime) -> dt.datetime:
    end = meetup.ends_at or (meetup.starts_at + dt.timedelta(hours=8) if meetup.starts_at else at)
    return max(end, at) + KEPT if not meetup.is_past(at) else at + dt.timedelta(hours=2)


def _state(request: HttpRequest, meetup: Meetup, found: Door) -> dict[str, Any]:
    """What the script knows: who is expected, for whom it is, and until when it may be kept."""
    at = timezone.now()
    return {
        "meetup": meetup.pk,
        "reader": actor_of(request).pk,
        "name": actor_of(request).name,
        "zone": meetup.time_zone,
        "stamp": at.timestamp(),
        "until": _kept_until(meetup, at).timestamp(),
        "people": [one.as_json() for one in found.people],
    }


def _page(
    request: HttpRequest,
    meetup: Meetup,
    walk_in: WalkInForm | None = None,
    *,
    full: str = "",
    status: int = 200,
) -> HttpResponse:
    found = door(meetup)
    words = request.GET.get("q", "").strip()
    shown = [one for one in found.people if words.casefold() in one.name.casefold()]
    manages = can_manage_meetup(request.user, meetup)
    context = {
        "meetup": meetup,
        "door": found,
        "shown": shown,
        "words": words,
        # The box for going over is there once the house is full, and for organizers.
        "walk_in": walk_in or WalkInForm(can_go_over=False),
        "full": full,
        "can_manage": manages,
        "state": _state(request, meetup, found),
    }
    response = render(request, "events/check_in.html", context, status=status)
    response["Permissions-Policy"] = _CAMERA
    return response


def _act(request: HttpRequest, meetup: Meetup, what: str, **who: Any) -> Outcome:
    at = timezone.now()
    act = Act(key=door_service.new_key(), what=what, at=at, **who)
    return door_service.act_at_door(meetup=meetup, actor=actor_of(request), acts=[act], at=at)[0]


def _say(request: HttpRequest, outcome: Outcome) -> None:
    say = messages.success if outcome.outcome == "done" else messages.warning
    say(request, outcome.sentence)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


@require_http_methods(["GET", "HEAD", "POST"])
@for_door_helpers
def check_in(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """The list, and by POST what is done at the door: ``do`` is code, in, undo, walk_in or admit."""
    if request.method != "POST":
        return _page(request, meetup)
    do, pk = request.POST.get("do"), _number(request.POST.get("pk", ""))
    try:
        if do == "walk_in":
            return _walk_in(request, meetup)
        if do == "admit" and pk is not None:
            rsvp = door_service.admit_without_seat(
                meetup=meetup,
                actor=actor_of(request),
                rsvp_pk=pk,
                over=bool(request.POST.get("over")),
                at=timezone.now(),
            )
            messages.success(request, f"{rsvp.shown_name} has a seat and is checked in.")
        elif do in ("in", "undo") and pk is not None:
            _say(request, _act(request, meetup, do, rsvp_pk=pk))
        elif do == "code":
            _say(request, _act(request, meetup, "in", code=request.POST.get("code", "")))
    except HouseFull as full:
        return _page(request, meetup, full=str(full), status=409)
    except CheckInRefused as refused:
        messages.error(request, str(refused))
    return redirect("events:check_in", meetup.slug)


def _walk_in(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    form = WalkInForm(request.POST, can_go_over=can_manage_meetup(request.user, meetup))
    if not form.is_valid():
        return _page(request, meetup, form, status=422)
    try:
        rsvp = door_service.admit_walk_in(
            meetup=meetup, actor=actor_of(request), at=timezone.now(), **form.cleaned_data
        )
    except HouseFull as full:
        form.add_error(None, str(full))
        return _page(request, meetup, form, status=409)
    messages.success(request, f"{rsvp.shown_name} is on the list and checked in.")
    return redirect("events:check_in", meetup.slug)


@require_POST
@for_door_helpers
def check_in_sync(request: HttpRequest, meetup: Meetup) -> JsonResponse:
    """Take what a phone did meanwhile, and answer with what became of it and the list as it is now."""
    try:
        sent = SentActs.model_validate_json(request.body)
    except ValidationError:
        return JsonResponse({"refusal": "The portal did not understand this."}, status=400)
    outcomes: list[Outcome] = []
    if sent.acts:
        try:
            outcomes = door_service.act_at_door(
                meetup=meetup,
                actor=actor_of(request),
                acts=[one.act() for one in sent.acts],
                at=timezone.now(),
            )
        except CheckInRefused as refused:
            return JsonResponse({"refusal": str(refused)}, status=409)
    answer = _state(request, meetup, door(meetup)) | {
        "outcomes": [{"key": one.key, "outcome": one.outcome, "sentence": one.sentence} for one in outcomes]
    }
    return JsonResponse(answer)


@require_safe
@for_door_helpers
def check_in_worker(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """The service worker of the page at the door, which answers when the network does not."""
    until = int(_kept_until(meetup, timezone.now()).timestamp())
    context = {"page": request.path.removesuffix("worker.js"), "meetup": meetup, "until": until}
    return render(request, "events/check_in_worker.js", context, content_type="text/javascript")


@require_safe
@for_door_helpers
def check_in_code(request: HttpRequest, meetup: Meetup, code: str) -> HttpResponse:
    """Where a ticket's picture leads a helper's camera: one person, and the button that checks them in."""
    rsvp = get_object_or_404(
        expected_rsvps(meetup).select_related("user", "checked_in_by"), code=code.upper()[:20]
    )
    return render(request, "events/check_in_one.html", {"meetup": meetup, "one": seen(rsvp, meetup)})
