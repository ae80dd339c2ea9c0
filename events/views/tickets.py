"""What somebody shows at the door."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from events.models import Meetup, Rsvp
from events.queries.people import rows_of
from events.services.links import LinkInvalid, read_link, sign_link
from events.tickets import ticket_png, ticket_svg
from events.views.access import actor_of, signed_in

_NEWEST = ("meetup__chapter", "meetup__venue", "user")


def _has_seat(rsvp: Rsvp) -> bool:
    return rsvp.status == Rsvp.Status.GOING and rsvp.meetup.status != Meetup.Status.CANCELLED


def _page(request: HttpRequest, rsvp: Rsvp) -> HttpResponse:
    has_seat = _has_seat(rsvp)
    context = {
        "rsvp": rsvp,
        "meetup": rsvp.meetup,
        "has_seat": has_seat,
        "is_past": rsvp.meetup.is_past(timezone.now()),
        "picture": ticket_svg(rsvp) if has_seat else "",
        "token": sign_link(rsvp, "view"),
    }
    return render(request, "events/ticket.html", context)


@require_safe
@signed_in
def ticket(request: HttpRequest, slug: str) -> HttpResponse:
    """A member's own."""
    meetup = get_object_or_404(Meetup.objects.visible_to(request.user), slug=slug)
    mine = meetup.rsvps.filter(rows_of(actor_of(request))).select_related(*_NEWEST)
    found = sorted(mine, key=lambda one: (one.status != Rsvp.Status.GOING, one.user_id is None, one.pk))
    if not found:
        raise Http404
    return _page(request, found[0])


@never_cache
@require_safe
def ticket_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """By a signed link, for whoever signed up with an address."""
    return _page(request, _linked(token))


@never_cache
@require_safe
def ticket_picture(request: HttpRequest, token: str) -> HttpResponse:
    """The code alone, as a PNG to keep."""
    rsvp = _linked(token)
    if not _has_seat(rsvp):
        raise Http404
    return HttpResponse(ticket_png(rsvp), content_type="image/png")


def _linked(token: str) -> Rsvp:
    try:
        link = read_link(token)
    except LinkInvalid as error:
        raise Http404 from error
    return get_object_or_404(Rsvp.objects.select_related(*_NEWEST), pk=link.rsvp_pk)
