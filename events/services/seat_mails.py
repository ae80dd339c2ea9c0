"""Mails about one person's sign-up, each written in the transaction that changes it."""

from django.utils import timezone

from events.models import Meetup, Rsvp
from events.services.links import CONFIRM_WITHIN, rsvp_url
from events.services.mail_kinds import SEATS
from events.services.mail_writing import Link, calendar_file, facts_of, own_links, subject_line, time_text
from portal.mail.services import Attachment, queue_mail

Status = Rsvp.Status
_WHY = "You receive this because you signed up for this meetup."


def tell_confirm_rsvp(rsvp: Rsvp) -> None:
    """Lead the owner of an address to the sign-up made with it: to confirm it, or to see the one that counts.

    At most one mail in ten minutes, however often the form is sent.
    """
    if rsvp.status == Status.UNCONFIRMED:
        subject = "Please confirm your sign-up"
        sentences = [
            "Somebody, probably you, signed up for this meetup with this address. "
            "It counts once you confirm it; the page shows what becomes of it.",
            f"If it was not you, do nothing: after {CONFIRM_WITHIN.days} days it is forgotten.",
        ]
        links = [Link("Confirm my sign-up", rsvp_url(rsvp, "confirm"))]
    else:
        subject = "Your sign-up"
        sentences = [
            "Somebody, probably you, asked to sign up for this meetup with this address. "
            f"It is signed up already: {rsvp.get_status_display().lower()}. Nothing has changed.",
        ]
        links = list(own_links(rsvp))
    _tell(
        rsvp,
        "confirm",
        subject,
        sentences,
        links=links,
        why="",
        stamp=str(int(timezone.now().timestamp()) // 600) if rsvp.status != Status.UNCONFIRMED else "",
    )


def tell_going(rsvp: Rsvp) -> None:
    """You are going, with the invitation for the reader's calendar."""
    _tell(
        rsvp,
        "going",
        "You are going",
        [_seats(rsvp)],
        links=own_links(rsvp),
        files=calendar_file(rsvp, "REQUEST"),
        code=rsvp.code,
    )


def tell_waitlisted(rsvp: Rsvp) -> None:
    """You are on the waitlist."""
    news = (
        "When a seat becomes free, it is offered to you by mail."
        if rsvp.meetup.waitlist == Meetup.Waitlist.OFFER
        else "When a seat becomes free, you get it and hear of it by mail."
    )
    _tell(
        rsvp,
        "waitlisted",
        "You are on the waitlist",
        ["The meetup is full, and you are on the waitlist.", news],
        links=own_links(rsvp),
    )


def tell_offered(rsvp: Rsvp) -> None:
    """A seat is held for you until a moment told on the meetup's own clock."""
    until = time_text(rsvp.offer_expires_at, None, Meetup.DatePrecision.EXACT, rsvp.meetup.time_zone)
    held = "A seat is" if rsvp.party == 1 else f"{rsvp.party} seats are"
    _tell(
        rsvp,
        "offered",
        "A seat is free for you",
        [f"{held} held for you until {until}. After that the next on the waitlist is asked."],
        links=[
            Link("Take it" if rsvp.party == 1 else "Take them", rsvp_url(rsvp, "accept")),
            Link("I am not coming", rsvp_url(rsvp, "cancel")),
        ],
    )


def tell_promoted(rsvp: Rsvp) -> None:
    """You were on the waitlist and have a seat now."""
    _tell(
        rsvp,
        "promoted",
        "You have a seat now",
        ["You were on the waitlist, and a seat became free.", _seats(rsvp)],
        links=own_links(rsvp),
        files=calendar_file(rsvp, "REQUEST"),
        code=rsvp.code,
    )


def tell_left(rsvp: Rsvp) -> None:
    """You are no longer signed up; the entry in the reader's calendar goes too."""
    _tell(
        rsvp,
        "left",
        "You are not coming",
        ["You are no longer signed up for this meetup. If that was a mistake, sign up again on its page."],
        links=[Link("See or change it", rsvp_url(rsvp, "view"))],
        files=calendar_file(rsvp, "CANCEL"),
    )


def tell_reconfirm(rsvp: Rsvp) -> None:
    """Do you still come?"""
    _tell(
        rsvp,
        "reconfirm",
        "Do you still come?",
        [
            "The organizers ask everybody once more, so that no seat stays empty while others wait. "
            "Please answer with one click.",
            "Who does not answer loses the seat a day before the meetup.",
        ],
        links=[
            Link("Yes, I am coming", rsvp_url(rsvp, "reconfirm")),
            Link("Cancel my place", rsvp_url(rsvp, "cancel")),
        ],
        stamp=f"{int(rsvp.meetup.starts_at.timestamp())}" if rsvp.meetup.starts_at else "",
    )


def tell_released(rsvp: Rsvp) -> None:
    """You did not say that you still come, so your seat went on; the entry in the reader's calendar goes too."""
    _tell(
        rsvp,
        "released",
        "Your seat is given up",
        [
            "You were asked whether you still come, and there was no answer, so your seat is free for whoever waits. "
            "You are noted as maybe coming."
        ],
        links=[
            Link("I am coming after all", rsvp_url(rsvp, "reconfirm")),
            Link("I am not coming", rsvp_url(rsvp, "cancel")),
        ],
        files=calendar_file(rsvp, "CANCEL"),
    )


def _seats(rsvp: Rsvp) -> str:
    if not rsvp.guests:
        return "A seat is yours."
    guests = "a guest" if rsvp.guests == 1 else f"{rsvp.guests} guests"
    return f"{rsvp.party} seats are yours: for you and {guests}."


def _tell(
    rsvp: Rsvp,
    event: str,
    news: str,
    sentences: list[str],
    *,
    links: list[Link] | tuple[Link, ...],
    files: tuple[Attachment, ...] = (),
    code: str = "",
    why: str = _WHY,
    stamp: str = "",
) -> None:
    """One mail about one sign-up. Its event is the change of the row at ``changed_at``, or what ``stamp`` names."""
    meetup = rsvp.meetup
    queue_mail(
        kind=SEATS.key,
        to=rsvp.address,
        user=rsvp.user,
        subject=subject_line(news, meetup.title),
        template="events/mail/meetup_news",
        context={
            "news": news,
            "sentences": sentences,
            "facts": facts_of(meetup, shows_online=rsvp.status == Status.GOING),
            "links": links,
            "code": code,
            "why": why,
        },
        dedupe_key=f"rsvp-{event}:{rsvp.pk}:{stamp or rsvp.changed_at.isoformat()}",
        attachments=files,
    )
