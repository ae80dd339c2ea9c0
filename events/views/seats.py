"""Signing up to a meetup, and looking after one's sign-up by a link from a mail."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from events.forms.seats import RsvpForm
from events.models import Meetup, Person, Rsvp
from events.queries.meetup_page import readable_meetups
from events.queries.seats import own_rsvp, seats_box
from events.services import seats
from events.services.links import LinkInvalid, RsvpLink, read_link
from events.views.access import actor_of, signed_in
from events.views.limits import too_often
from portal.accounts.models import User

Status = Rsvp.Status
NEWS = {
    Status.GOING: "You are going.",
    Status.WAITLISTED: "All seats are taken; you are on the waitlist and hear as soon as one is free.",
    Status.MAYBE: "You are down as interested.",
    Status.DECLINED: "You are not coming. Thank you for saying so.",
    Status.OFFERED: "Your sign-up is saved. Take the seat that is offered to you before the time is over.",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rsvp(request: HttpRequest, slug: str) -> HttpResponse:
    """The form on a page of its own: sign up, or change it; by e-mail alone for whoever is not signed in."""
    meetup = get_object_or_404(readable_meetups(request.user), slug=slug)
    user = request.user if isinstance(request.user, User) else None
    own = own_rsvp(meetup, user) if user else None
    given: dict[str, Any] = {"questions": meetup.questions.all(), "rsvp": own, "by_mail": user is None}
    form = RsvpForm(request.POST if request.method == "POST" else None, meetup=meetup, **given)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            answer = _sign_up(request, meetup, user, form)
            if answer:
                return answer
        status = 422
    box = seats_box(meetup, request.user, needs=[], at=timezone.now())
    context = {"meetup": meetup, "form": form, "box": box, "own": own, "by_mail": user is None}
    return render(request, "events/rsvp_form.html", context, status=status)


def _sign_up(request: HttpRequest, meetup: Meetup, user: User | None, form: RsvpForm) -> HttpResponse | None:
    """Where to go after signing up; None when it was refused, with the reason in the form."""
    data = form.cleaned_data
    if user is None and (refusal := too_often(request, "rsvp_by_email", key=data["email"].lower())):
        return refusal
    person = Person(user) if user else Person(email=data["email"].lower(), name=data["name"])
    try:
        signed_up = seats.join_meetup(meetup=meetup, person=person, at=timezone.now(), **form.asked)
    except seats.SeatsRefused as error:
        form.add_error(None, str(error))
        return None
    if user:
        messages.success(request, NEWS[Status(signed_up.status)])
    else:
        messages.success(
            request,
            f"A mail is on its way to {data['email']}. Open the link in it and press the button: "
            "you hold no seat before.",
        )
    return redirect(meetup)


def _act(request: HttpRequest, slug: str, change: Callable[..., Rsvp]) -> HttpResponse:
    """Do something with the reader's own sign-up; one that they do not have is not found."""
    meetup = get_object_or_404(readable_meetups(request.user), slug=slug)
    own = own_rsvp(meetup, actor_of(request))
    if own is None:
        raise Http404
    _changed(request, own, change)
    return redirect(meetup)


def _changed(request: HttpRequest, own: Rsvp, change: Callable[..., Rsvp]) -> Rsvp:
    try:
        own = change(rsvp=own, at=timezone.now())
    except seats.SeatsRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, NEWS[Status(own.status)])
    return own


@require_POST
@signed_in
def rsvp_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Not coming after all."""
    return _act(request, slug, seats.leave_meetup)


@require_POST
@signed_in
def rsvp_accept(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the seat that is offered."""
    return _act(request, slug, seats.accept_offer)


@require_POST
@signed_in
def rsvp_reconfirm(request: HttpRequest, slug: str) -> HttpResponse:
    """Yes, I still come."""
    return _act(request, slug, seats.reconfirm_rsvp)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rsvp_link(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind a link in a mail: it shows what can be done, and only its buttons act."""
    try:
        link = read_link(token)
    except LinkInvalid as error:
        raise Http404 from error
    found = Rsvp.objects.select_related("meetup__chapter", "user")
    own = get_object_or_404(found, pk=link.rsvp_pk)
    now = timezone.now()
    if request.method == "POST":
        change = _asked_for(request.POST.get("do", ""), link)
        if change:
            own = _changed(request, own, change)
        return redirect(request.path)
    context = {
        "rsvp": own,
        "meetup": own.meetup,
        "link": link,
        "can_confirm": link.can_confirm(now),
        "can_accept": own.is_offer_open(now),
        "is_past": own.meetup.is_past(now),
    }
    return render(request, "events/rsvp_link.html", context)


def _asked_for(do: str, link: RsvpLink) -> Callable[..., Rsvp] | None:
    if (
        do == "confirm"
    ):  # another link does not prove that the address is theirs, and an old one may be anybody's
        return seats.confirm_rsvp if link.can_confirm(timezone.now()) else None
    return {
        "cancel": seats.leave_meetup,
        "accept": seats.accept_offer,
        "reconfirm": seats.reconfirm_rsvp,
    }.get(do)
