"""Voting on the date of a meetup."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from events.forms.polls import VoteForm
from events.models import DateBallot, DatePoll, Meetup
from events.permissions import can_manage_meetup
from events.queries.polls import Results, newest_poll, results, votes_of
from events.services import poll_links, votes
from events.services.polls import PollRefused
from events.views.access import actor_of
from events.views.limits import too_often
from portal.accounts.models import User


def _poll_or_404(request: HttpRequest, slug: str) -> DatePoll:
    meetup = get_object_or_404(Meetup.objects.visible_to(request.user).select_related("chapter"), slug=slug)
    poll = newest_poll(meetup)
    if poll is None:
        raise Http404
    return poll


def _page(
    request: HttpRequest,
    poll: DatePoll,
    found: Results,
    form: VoteForm | None,
    ballot: DateBallot | None,
    *,
    template: str = "events/poll.html",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "meetup": poll.meetup,
        "poll": poll,
        "results": found,
        "form": form,
        "ballot": ballot,
        "refusal": votes.refusal_of_votes(poll, timezone.now()),
        "shows_names": request.user.is_authenticated,
    }
    return render(request, template, context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def poll(request: HttpRequest, slug: str) -> HttpResponse:
    """The vote as it stands, and one's own votes: a member's count at once, an address's once confirmed by mail."""
    found = _poll_or_404(request, slug)
    at = timezone.now()
    user = request.user if isinstance(request.user, User) else None
    organizes = user is not None and can_manage_meetup(user, found.meetup)
    standing = results(found, at=at, names_for=user, organizes=organizes)
    ballot = found.ballots.filter(user=user).first() if user else None
    form = VoteForm(
        request.POST or None,
        options=[tally.option for tally in standing.tallies],
        votes=votes_of(ballot),
        by_email=user is None,
        initial={"hides_name": ballot.hides_name if ballot else False},
    )
    if request.method != "POST":
        return _page(request, found, standing, form if standing.takes_votes else None, ballot)
    if not form.is_valid():
        return _page(request, found, standing, form, ballot, status=422)
    if user is None and (
        refusal := too_often(request, "vote_by_email", key=form.cleaned_data["email"].lower())
    ):
        return refusal
    try:
        said = _cast(found, user, form)
    except PollRefused as refused:
        form.add_error(None, str(refused))
        return _page(request, found, standing, form, ballot, status=409)
    messages.success(request, said)
    return redirect("events:poll", slug)


def _cast(found: DatePoll, user: User | None, form: VoteForm) -> str:
    """Note the votes, and say what became of them."""
    at, data = timezone.now(), form.cleaned_data
    if user:
        votes.cast_votes(poll=found, user=user, choices=form.choices, hides_name=data["hides_name"], at=at)
        return "Your votes are saved. You can change them until the vote is closed."
    votes.ask_to_vote(
        poll=found,
        email=data["email"],
        name=data["name"],
        choices=form.choices,
        hides_name=data["hides_name"],
        at=at,
    )
    return (
        f"A mail with a link is on its way to {data['email']}. "
        "Your votes count once you have pressed the button behind it."
    )


@require_POST
@login_required
def withdraw_votes(request: HttpRequest, slug: str) -> HttpResponse:
    """A member takes their votes back."""
    found = _poll_or_404(request, slug)
    ballot = found.ballots.filter(user=actor_of(request)).first()
    if ballot:
        ballot.poll = found
        _withdraw(request, ballot)
    return redirect("events:poll", slug)


def _withdraw(request: HttpRequest, ballot: DateBallot) -> bool:
    try:
        votes.withdraw_votes(ballot=ballot, at=timezone.now())
    except PollRefused as refused:
        messages.error(request, str(refused))
        return False
    messages.success(request, "Your votes are deleted.")
    return True


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ballot(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link in a mail leads: the votes given with an address. The button makes them count, or changes them."""
    try:
        mine = poll_links.read_ballot_link(token)
    except poll_links.LinkInvalid as error:
        raise Http404 from error
    if mine is None:
        return render(request, "events/ballot_gone.html")
    found = mine.poll
    standing = results(found, at=timezone.now(), names_for=mine if mine.confirmed_at else None)
    form = VoteForm(
        request.POST or None,
        options=[tally.option for tally in standing.tallies],
        votes=votes_of(mine),
        initial={"hides_name": mine.hides_name},
    )
    if request.method != "POST":
        return _page(request, found, standing, form, mine, template="events/ballot.html")
    if request.POST.get("do") == "withdraw":
        return redirect(found.meetup if _withdraw(request, mine) else request.path)
    if not form.is_valid():
        return _page(request, found, standing, form, mine, template="events/ballot.html", status=422)
    try:
        kept = votes.confirm_votes(
            ballot=mine,
            choices=form.choices,
            hides_name=form.cleaned_data["hides_name"],
            at=timezone.now(),
        )
    except PollRefused as refused:
        form.add_error(None, str(refused))
        return _page(request, found, standing, form, mine, template="events/ballot.html", status=409)
    messages.success(
        request, "Your votes count. You can change them with the same link until the vote is closed."
    )
    if kept.pk != mine.pk or kept.user_id:
        return redirect(reverse("events:poll", args=[found.meetup.slug]))
    return redirect(request.path)
