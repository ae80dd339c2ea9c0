"""Organizers' page about the vote on a meetup's date."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib import messages
from django.forms import BaseFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from events.forms.polls import ChooseForm, CloseTimeForm, DateForm, DateFormSet
from events.models import DatePoll, Meetup, when_there
from events.queries.polls import Results, newest_poll, results
from events.services import polls
from events.services.life import MeetupRefused
from events.services.polls import PollRefused
from events.views.access import actor_of, for_meetup_organizers

Formset = BaseFormSet[DateForm]


def _choose_form(found: Results, data: Any = None) -> ChooseForm:
    coming = [tally for tally in found.tallies if not tally.is_over]
    best = next((tally.option.pk for tally in coming if tally.is_best), None)
    choices = [
        (
            tally.option.pk,
            f"{polls.in_words(tally.option.starts_at, found.poll.meetup)}: {tally.yes} yes, "
            f"{tally.if_need_be} if need be, {tally.no} no",
        )
        for tally in coming
    ]
    return ChooseForm(data, choices=choices, initial={"option": best}, auto_id="id_choose_%s")


def _wall(moment: Any, meetup: Meetup) -> str:
    when = when_there(moment, None, Meetup.DatePrecision.EXACT, meetup.time_zone)
    return when.start.strftime("%Y-%m-%dT%H:%M") if when.start else ""


def _page(request: HttpRequest, meetup: Meetup, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The page with what there is to do now; ``forms`` are those that were sent and refused."""
    at = timezone.now()
    poll = newest_poll(meetup)
    context: dict[str, Any] = {"meetup": meetup, "poll": poll}
    if poll:
        context["results"] = found = results(poll, at=at, names_for=request.user, organizes=True)
        context["choose"] = _choose_form(found)
        context["close_time"] = CloseTimeForm(
            meetup=meetup, initial={"closes": _wall(poll.closes_at, meetup)}
        )
        context["add"] = DateForm(meetup=meetup, auto_id="id_add_%s")
    if poll is None or poll.closed_at:
        context["dates"] = DateFormSet(form_kwargs={"meetup": meetup})
        context["new_close_time"] = CloseTimeForm(meetup=meetup, auto_id="id_new_%s")
    return render(request, "events/manage_poll.html", context | forms, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_meetup_organizers
def manage_poll(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """The vote, its dates and its end; or the form that starts one."""
    if request.method != "POST":
        return _page(request, meetup)
    if "more" in request.POST:
        return _page(
            request, meetup, dates=_with_more_rows(request, meetup), new_close_time=_new_end(request, meetup)
        )
    dates: Formset = DateFormSet(request.POST, form_kwargs={"meetup": meetup})
    close_time = _new_end(request, meetup)
    refusal = ""
    if dates.is_valid() and close_time.is_valid():
        try:
            polls.open_poll(
                meetup=meetup,
                actor=actor_of(request),
                dates=[form.span for form in dates if form.span],
                closes_at=close_time.cleaned_data["closes"],
                at=timezone.now(),
            )
        except (PollRefused, MeetupRefused) as refused:
            refusal = str(refused)
        else:
            messages.success(request, "The vote is open.")
            return redirect("events:manage_poll", meetup.slug)
    return _page(request, meetup, status=422, dates=dates, new_close_time=close_time, refusal=refusal)


def _new_end(request: HttpRequest, meetup: Meetup) -> CloseTimeForm:
    return CloseTimeForm(request.POST, meetup=meetup, auto_id="id_new_%s")


def _with_more_rows(request: HttpRequest, meetup: Meetup) -> Formset:
    """What was typed, with four rows more; nothing is judged yet."""
    data = request.POST.copy()
    sent = data.get("form-TOTAL_FORMS", "0")
    rows = int(sent) if sent.isdecimal() and len(sent) < 4 else 0
    typed = [
        {name: data.get(f"form-{row}-{name}", "") for name in ("day", "starts", "ends")}
        for row in range(min(rows, polls.MOST))
    ]
    return DateFormSet(initial=typed, form_kwargs={"meetup": meetup})


def _changes_poll(
    view: Callable[Concatenate[HttpRequest, DatePoll, ...], HttpResponse | None],
) -> Callable[..., HttpResponse]:
    """Hand the meetup's newest vote to ``view``; say its refusals, and lead back to the page."""

    @require_POST
    @for_meetup_organizers
    @wraps(view)
    def changed(request: HttpRequest, meetup: Meetup, **more: Any) -> HttpResponse:
        poll = newest_poll(meetup)
        if poll is None:
            raise Http404
        try:
            response = view(request, poll, **more)
        except (PollRefused, MeetupRefused) as refused:
            messages.error(request, str(refused))
            response = None
        return response or redirect("events:manage_poll", meetup.slug)

    return changed


@_changes_poll
def add_date(request: HttpRequest, poll: DatePoll) -> HttpResponse | None:
    """One more date."""
    form = DateForm(request.POST, meetup=poll.meetup, auto_id="id_add_%s")
    if not form.is_valid() or form.span is None:
        return _page(request, poll.meetup, status=422, add=form)
    try:
        polls.add_option(poll=poll, actor=actor_of(request), span=form.span, at=timezone.now())
    except PollRefused as refused:
        form.add_error(None, str(refused))
        return _page(request, poll.meetup, status=409, add=form)
    messages.success(request, "The date is added. Those who have voted already have no vote on it yet.")
    return None


@_changes_poll
def remove_date(request: HttpRequest, poll: DatePoll, option: int) -> HttpResponse | None:
    """Take a date away, and the votes on it."""
    gone = polls.remove_option(poll=poll, actor=actor_of(request), option_pk=option, at=timezone.now())
    lost = f", and the {gone} vote{'s' if gone != 1 else ''} on it with it" if gone else ""
    messages.success(request, f"The date is removed{lost}.")
    return None


@_changes_poll
def set_end(request: HttpRequest, poll: DatePoll) -> HttpResponse | None:
    """Set when the vote ends by itself."""
    form = CloseTimeForm(request.POST, meetup=poll.meetup)
    if not form.is_valid():
        return _page(request, poll.meetup, status=422, close_time=form)
    polls.set_close_time(
        poll=poll, actor=actor_of(request), closes_at=form.cleaned_data["closes"], at=timezone.now()
    )
    messages.success(request, "The end of the vote is saved.")
    return None


@_changes_poll
def choose_date(request: HttpRequest, poll: DatePoll) -> HttpResponse | None:
    """Close the vote with a date."""
    form = _choose_form(results(poll, at=timezone.now()), request.POST)
    if not form.is_valid():
        return _page(request, poll.meetup, status=422, choose=form)
    polls.close_poll(
        poll=poll,
        actor=actor_of(request),
        option_pk=int(form.cleaned_data["option"]),
        status=form.cleaned_data["status"],
        at=timezone.now(),
    )
    messages.success(request, "The date is set. Everybody who voted hears of it by mail.")
    return None


@_changes_poll
def end_poll(request: HttpRequest, poll: DatePoll) -> HttpResponse | None:
    """Close the vote without a choice."""
    polls.end_poll(poll=poll, actor=actor_of(request), at=timezone.now())
    messages.success(request, "The vote is closed without a choice. The meetup is an idea again.")
    return None


@_changes_poll
def reopen_poll(request: HttpRequest, poll: DatePoll) -> HttpResponse | None:
    """Take votes again."""
    polls.reopen_poll(poll=poll, actor=actor_of(request), closes_at=None, at=timezone.now())
    messages.success(request, "The vote is open again, and the meetup’s date with it.")
    return None
