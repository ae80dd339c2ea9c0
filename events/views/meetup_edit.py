"""Pages on which organizers write a meetup and rewrite it."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from events.forms.edit_base import as_base
from events.forms.meetup_edit import MeetupForm, typed_values
from events.forms.recap import RecapForm
from events.models import Chapter, Meetup
from events.queries.organizing import last_edit
from events.services.edit_conflicts import EditConflict, fingerprints
from events.services.life import MeetupRefused
from events.services.meetups import FORM_FIELDS, change_meetup, create_meetup
from events.services.series import change_following
from events.views.access import actor_of, for_chapter_organizers, for_meetup_organizers
from portal.accounts.forms import time_zone_names

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
RECAP_FIELDS = frozenset({"recap", "recap_path"})
#: Of which column a field of the form tells, where it is called otherwise.
_COLUMN_OF = {
    "day": "starts_at",
    "start_time": "starts_at",
    "which_start": "starts_at",
    "end_day": "ends_at",
    "end_time": "ends_at",
    "which_end": "ends_at",
    "registration_opens": "registration_opens_at",
    "registration_closes": "registration_closes_at",
}


@dataclass(frozen=True)
class Theirs:
    """What somebody else saved meanwhile in a field that is typed anew here."""

    label: str
    anchor: str
    text: str


@GET_OR_POST
@for_chapter_organizers
def new_meetup(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """A new meetup of a chapter, as a draft."""
    blank = typed_values(Meetup(pk=0, chapter=chapter, time_zone=chapter.time_zone))
    form = MeetupForm(request.POST or None, chapter=chapter, initial=blank)
    if request.method == "POST" and form.is_valid():
        try:
            meetup = create_meetup(
                chapter=chapter, actor=actor_of(request), fields=form.changes(), at=timezone.now()
            )
        except MeetupRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "The draft is saved. Only organizers of the chapter see it.")
            return redirect("events:manage_meetup", meetup.slug)
    context = {"form": form, "chapter": chapter, "time_zones": time_zone_names()}
    return render(request, "events/meetup_new.html", context, status=422 if form.errors else 200)


@GET_OR_POST
@for_meetup_organizers
def edit_meetup(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """What a meetup is about, when and where it is, and its seats."""

    def form_of(data: QueryDict | None, stored: dict[str, Any]) -> MeetupForm:
        initial = stored | {"base": as_base(fingerprints(meetup, FORM_FIELDS))}
        return MeetupForm(data, chapter=meetup.chapter, initial=initial)

    return _edit(request, meetup, form_of, typed_values, "events/meetup_edit.html")


@GET_OR_POST
@for_meetup_organizers
def recap(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """How it was, in words, and the article that tells more."""

    def form_of(data: QueryDict | None, stored: dict[str, Any]) -> RecapForm:
        return RecapForm(data, initial=stored | {"base": as_base(fingerprints(meetup, RECAP_FIELDS))})

    def stored_recap(meetup: Meetup) -> dict[str, Any]:
        return {name: getattr(meetup, name) for name in RECAP_FIELDS}

    return _edit(request, meetup, form_of, stored_recap, "events/meetup_recap.html")


def _edit(
    request: HttpRequest,
    meetup: Meetup,
    form_of: Callable[[QueryDict | None, dict[str, Any]], MeetupForm | RecapForm],
    stored: Callable[[Meetup], dict[str, Any]],
    template: str,
) -> HttpResponse:
    """Show a form about ``meetup``, save what it brings, and where two edited at once show both texts."""
    now, status = timezone.now(), 200
    beside: list[Theirs] = []
    form = form_of(request.POST if request.method == "POST" else None, stored(meetup))
    if form.is_valid():
        try:
            messages.success(request, _save(request, meetup, form, now))
            return redirect("events:manage_meetup", meetup.slug)
        except MeetupRefused as refused:
            meetup.refresh_from_db()
            form.add_error(None, str(refused))
        except EditConflict as conflict:
            meetup.refresh_from_db()
            shown, beside = _beside_theirs(form, stored(meetup), conflict)
            form, status = form_of(None, shown), 409
    context = {
        "form": form,
        "meetup": meetup,
        "is_past": meetup.is_past(now),
        "beside": beside,
        "last_edit": last_edit(meetup) if beside else None,
        "time_zones": time_zone_names(),
    }
    return render(request, template, context, status=422 if form.errors else status)


def _save(request: HttpRequest, meetup: Meetup, form: MeetupForm | RecapForm, at: dt.datetime) -> str:
    """Save for this meetup, or with ``following`` for the later ones of its series too; returns what to say."""
    actor = actor_of(request)
    if "following" in request.POST:
        count = change_following(meetup=meetup, actor=actor, changes=form.changes(), seen=form.seen, at=at)
        return f"Your changes are saved for {count} meetup{'s' if count > 1 else ''} of the series."
    changed = change_meetup(meetup=meetup, actor=actor, changes=form.changes(), at=at, seen=form.seen)
    return "Your changes are saved." if changed else "Nothing had changed."


def _beside_theirs(
    form: forms.Form, stored: Mapping[str, Any], conflict: EditConflict
) -> tuple[dict[str, Any], list[Theirs]]:
    """What the form shows next: one's own where one has changed something, elsewhere what is stored now.

    Beside it, what somebody else saved in the fields that both changed.
    """
    shown = dict(stored)
    beside = []
    for name in form.fields.keys() - {"base"}:
        column = _COLUMN_OF.get(name, name)
        own = form.cleaned_data.get(name)
        if column in conflict.mine:
            shown[name] = ", ".join(own) if isinstance(own, list) else own
        if column in conflict.fields and not name.startswith("which_"):
            field = form[name]
            beside.append(Theirs(str(field.label), field.id_for_label, _as_text(field.field, stored[name])))
    return shown, sorted(beside, key=lambda one: list(form.fields).index(one.anchor.removeprefix("id_")))


def _as_text(field: forms.Field, value: Any) -> str:
    """A stored value in the words that the form has for it."""
    if isinstance(field, forms.BooleanField):
        return "Yes" if value else "No"
    if value in (None, ""):
        return "Nothing"
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
        return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]  # choices here are pairs
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:%H:%M}" if isinstance(value, dt.time) else str(value)
