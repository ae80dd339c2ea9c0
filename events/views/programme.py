"""Organizers' pages about talks: what is proposed to a chapter, and the programme of a meetup."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from events.forms.talks import DecisionForm, MoveForm, TimesForm
from events.models import Chapter, Meetup, Session
from events.queries import talks as queries
from events.services import programme, talks
from events.views.access import actor_of, for_chapter_organizers, for_meetup_organizers


@require_safe
@for_chapter_organizers
def chapter_talks(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """What is proposed to a chapter, what waits for a meetup, what was decided."""
    groups: dict[str, list[Session]] = {"open": [], "waiting": [], "decided": []}
    for session in queries.proposals(chapter)[:300]:
        is_waiting = session.status == Session.Status.ACCEPTED and session.meetup is None
        name = "open" if session.status == Session.Status.PROPOSED else "waiting" if is_waiting else "decided"
        groups[name].append(session)
    context = {"chapter": chapter, "groups": groups}
    return render(request, "events/chapter_talks.html", context)


@require_POST
@for_chapter_organizers
def decide_talk(request: HttpRequest, chapter: Chapter, session: int) -> HttpResponse:
    """Take a proposal on, or decline it."""
    found = Session.objects.select_related("talk", "meetup", "chapter")
    offered = get_object_or_404(found, pk=session, chapter=chapter)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        for problem in [str(error) for errors in form.errors.values() for error in errors]:
            messages.error(request, problem)
        return redirect("events:chapter_talks", chapter.slug)
    is_taken = form.cleaned_data["decision"] == "accept"
    try:
        talks.decide_talk(
            session=offered,
            actor=actor_of(request),
            is_taken=is_taken,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
        )
    except talks.TalkRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{offered.talk}” is {'accepted' if is_taken else 'declined'}.")
    return redirect("events:chapter_talks", chapter.slug)


@require_safe
@for_meetup_organizers
def meetup_programme(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """The talks of a meetup in their order, with their times, and those that wait for a place."""
    return _programme(request, meetup)


def _programme(
    request: HttpRequest, meetup: Meetup, *, wrong: tuple[int, TimesForm] | None = None
) -> HttpResponse:
    with timezone.override(ZoneInfo(meetup.time_zone)):
        rows = [
            (
                session,
                wrong[1]
                if wrong and wrong[0] == session.pk
                else TimesForm(
                    initial={"starts_at": session.starts_at, "ends_at": session.ends_at},
                    auto_id=f"id_{session.pk}_%s",
                ),
            )
            for session in queries.programme(meetup)
        ]
        waiting = queries.with_speakers(Session.objects.filter(programme.talks_for(meetup), meetup=None))
        context = {
            "meetup": meetup,
            "rows": rows,
            "waiting": waiting.order_by("decided_at", "pk"),
            "moved": request.GET.get("moved", ""),
        }
        return render(request, "events/manage_talks.html", context, status=422 if wrong else 200)


def _session(meetup: Meetup, pk: int) -> Session:
    return get_object_or_404(
        Session.objects.filter(programme.talks_for(meetup)).select_related("talk"), pk=pk
    )


@require_POST
@for_meetup_organizers
def put_on_programme(request: HttpRequest, meetup: Meetup, session: int) -> HttpResponse:
    """Give an accepted talk a place at the end."""
    try:
        programme.put_on_programme(meetup=meetup, session=_session(meetup, session), actor=actor_of(request))
    except talks.TalkRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("events:programme", meetup.slug)


@require_POST
@for_meetup_organizers
def take_off_programme(request: HttpRequest, meetup: Meetup, session: int) -> HttpResponse:
    """Take a talk off; it waits for another meetup."""
    offered = get_object_or_404(Session, pk=session, meetup=meetup)
    programme.take_off_programme(meetup=meetup, session=offered, actor=actor_of(request))
    messages.success(request, f"“{offered.talk}” is off the programme. It stays accepted.")
    return redirect("events:programme", meetup.slug)


@require_POST
@for_meetup_organizers
def move_on_programme(request: HttpRequest, meetup: Meetup, session: int) -> HttpResponse:
    """One place up or down; the button that was used keeps the focus."""
    form = MoveForm(request.POST)
    if not form.is_valid():
        raise BadRequest("steps")
    offered = get_object_or_404(Session, pk=session, meetup=meetup)
    steps = form.cleaned_data["steps"]
    try:
        place = programme.move_on_programme(
            meetup=meetup, session=offered, steps=steps, actor=actor_of(request)
        )
    except talks.TalkRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{offered.talk}” is now number {place}.")
    side = "up" if steps < 0 else "down"
    return redirect(f"{reverse('events:programme', args=[meetup.slug])}?moved={session}-{side}")


@require_POST
@for_meetup_organizers
def set_times(request: HttpRequest, meetup: Meetup, session: int) -> HttpResponse:
    """From when to when a talk is, on the wall clock of the meetup's own zone."""
    offered = get_object_or_404(Session, pk=session, meetup=meetup)
    with timezone.override(ZoneInfo(meetup.time_zone)):
        form = TimesForm(request.POST, auto_id=f"id_{session}_%s")
        is_right = form.is_valid()
    if not is_right:
        return _programme(request, meetup, wrong=(session, form))
    try:
        warning = programme.set_times(
            meetup=meetup, session=offered, actor=actor_of(request), **form.cleaned_data
        )
    except talks.TalkRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"The time of “{offered.talk}” is saved.")
        if warning:
            messages.warning(request, warning)
    return redirect("events:programme", meetup.slug)
