"""Where a meetup stands, and the acts that take it through its life."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from events.forms.meetup_acts import CancelForm, CopyForm, MoveForm
from events.models import Meetup
from events.queries.organizing import overview
from events.services.life import MeetupRefused, can_move
from events.services.meetups import (
    cancel_meetup,
    copy_meetup,
    copy_start,
    discard_meetup,
    move_meetup,
    publish_meetup,
)
from events.views.access import actor_of, for_meetup_organizers


@require_safe
@for_meetup_organizers
def manage_meetup(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Where a meetup stands, and what its organizers can do next."""
    return _overview(request, meetup)


@require_POST
@for_meetup_organizers
def move(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Publish a draft, confirm what is tentative, bring back what was cancelled."""
    form = MoveForm(request.POST, meetup=meetup, at=timezone.now())
    if not form.is_valid():
        return _overview(request, meetup, move=form)
    service = publish_meetup if meetup.status == Meetup.Status.DRAFT else move_meetup
    status, actor = form.cleaned_data["status"], actor_of(request)
    return _act(
        request,
        meetup,
        lambda: service(meetup=meetup, actor=actor, status=status, at=timezone.now()),
        f"The meetup is now: {Meetup.Status(status).label}.",
    )


@require_POST
@for_meetup_organizers
def cancel(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Cancel a meetup, with the reason."""
    form = CancelForm(request.POST)
    if not form.is_valid():
        return _overview(request, meetup, cancel=form)
    reason, actor = form.cleaned_data["reason"], actor_of(request)
    return _act(
        request,
        meetup,
        lambda: cancel_meetup(meetup=meetup, actor=actor, reason=reason, at=timezone.now()),
        "The meetup is cancelled. Everybody who signed up is told.",
    )


@require_POST
@for_meetup_organizers
def discard(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Delete a draft that nobody has seen."""
    try:
        discard_meetup(meetup=meetup, actor=actor_of(request), at=timezone.now())
    except MeetupRefused as refused:
        messages.error(request, str(refused))
        return redirect("events:manage_meetup", meetup.slug)
    messages.success(request, "The draft is gone.")
    return redirect(meetup.chapter)


@require_POST
@for_meetup_organizers
def copy(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """Make a draft like this meetup."""
    form = CopyForm(request.POST, meetup=meetup)
    if not form.is_valid():
        return _overview(request, meetup, copy=form)
    try:
        day = form.cleaned_data["day"]
        made = copy_meetup(
            meetup=meetup,
            actor=actor_of(request),
            at=timezone.now(),
            starts_at=copy_start(meetup, day) if day else None,
        )
    except MeetupRefused as refused:
        form.add_error("day", str(refused))
        return _overview(request, meetup, copy=form)
    messages.success(request, "This is the copy, a draft. Nobody is signed up.")
    return redirect("events:edit_meetup", made.slug)


def _act(request: HttpRequest, meetup: Meetup, act: Callable[[], object], done: str) -> HttpResponse:
    """Do it and say so, or say why it cannot be done."""
    try:
        act()
    except MeetupRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, done)
    return redirect("events:manage_meetup", meetup.slug)


def _overview(
    request: HttpRequest,
    meetup: Meetup,
    *,
    move: MoveForm | None = None,
    cancel: CancelForm | None = None,
    copy: CopyForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    context = {
        "meetup": meetup,
        "is_past": meetup.is_past(now),
        "overview": overview(meetup),
        "can_cancel": can_move(meetup, Meetup.Status.CANCELLED, now),
        "move_form": move or MoveForm(meetup=meetup, at=now),
        "cancel_form": cancel or CancelForm(),
        "copy_form": copy or CopyForm(meetup=meetup),
    }
    refused = move or cancel or copy
    return render(request, "events/manage_overview.html", context, status=422 if refused else 200)
