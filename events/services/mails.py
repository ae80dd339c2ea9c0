"""Every mail of this room, each with a dedupe key that names its event."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from events.models import (
    ChapterFollow,
    ChapterMembership,
    DateBallot,
    Meetup,
    OrganizerApplication,
    ProblemReport,
    Rsvp,
    Session,
)
from events.queries.care import readers_of
from events.queries.volunteering import deciders_of
from events.services.follow_links import follow_url
from events.services.links import rsvp_url
from events.services.poll_links import CONFIRM_WITHIN as BALLOT_CONFIRM_WITHIN
from events.services.poll_links import ballot_url
from portal.accounts.models import User
from portal.dispatch import send_on_commit
from portal.mail import kinds
from portal.mail.kinds import Kind
from portal.mail.services import queue_mail

CHAPTERS = Kind(
    key="chapters",
    name="Your part in chapters",
    description="Confirming that you follow one, news of your offer to help, your roles, and reports made to you.",
    can_switch_off=False,
)
kinds.register(CHAPTERS)
SEATS = Kind(
    key="meetup_seats",
    name="Your sign-ups",
    description="What becomes of a meetup that you signed up to: your seat, the waitlist, and its date.",
    can_switch_off=False,
)
kinds.register(SEATS)


def _tell(user: User, subject: str, template: str, key: str, context: dict[str, Any]) -> None:
    queue_mail(
        kind=CHAPTERS.key,
        to=user.email,
        user=user,
        subject=subject,
        template=f"events/mail/{template}",
        context=context,
        dedupe_key=key,
    )


def tell_confirm_follow(follow: ChapterFollow) -> None:
    """Ask the owner of an address whether they want to follow; nothing else is ever sent to it before."""
    queue_mail(
        kind=CHAPTERS.key,
        to=follow.address,
        user=follow.user,
        subject=f"Follow the {follow.chapter.city} chapter?",
        template="events/mail/confirm_follow",
        context={"chapter": follow.chapter, "url": follow_url(follow, "confirm")},
        dedupe_key=f"confirm-follow:{follow.pk}:{int(follow.created_at.timestamp())}",
        forget=True,
    )


def tell_application(application: OrganizerApplication, what: str) -> None:
    """News of an offer to help.

    For the applicant ``what`` is ``received``, ``message``, ``in_review``, ``on_hold``, ``accepted`` or ``rejected``;
    for those who decide ``new`` or ``answer``.
    """
    subjects = {
        "received": f"Your offer to help in {application.place} has arrived",
        "message": f"An answer to your offer to help in {application.place}",
        "in_review": f"Your offer to help in {application.place} is being read",
        "on_hold": f"Your offer to help in {application.place} is on hold",
        "accepted": f"Welcome: your offer to help in {application.place} is accepted",
        "rejected": f"Your offer to help in {application.place}",
        "new": f"{application.applicant.name} offers to help in {application.place}",
        "answer": f"{application.applicant.name} wrote about helping in {application.place}",
    }
    speaks = what in ("message", "answer")
    newest = application.messages.filter(is_note=False).order_by("-pk").first() if speaks else None
    event = newest.pk if newest else int(timezone.now().timestamp())
    context = {
        "application": application,
        "what": what,
        "message": newest,
        "url": settings.SITE_URL + application.get_absolute_url(),
    }
    told = deciders_of(application) if what in ("new", "answer") else [application.applicant]
    for reader in told:
        key = f"application:{application.pk}:{what}:{event}:{reader.pk}"
        _tell(reader, subjects[what], "application", key, context)


def tell_role(membership: ChapterMembership, what: str) -> None:
    """News of a role.

    ``what`` is ``given``, ``changed``, ``ended``, ``ends_soon`` (leads too), ``lead_offered`` or ``lead_handed``.
    """
    user = membership.user
    city, role = membership.chapter.city, membership.get_role_display().lower()
    subjects = {
        "given": f"You are {role} in {city}",
        "changed": f"Your role in {city} has changed",
        "ended": f"Your role in {city} has ended",
        "ends_soon": f"A role in {city} ends soon",
        "lead_offered": f"Will you lead the {city} chapter?",
        "lead_handed": f"The {city} chapter has a new lead",
    }
    told: list[User] = [user] if user else []
    if what == "ends_soon":
        told += [lead for lead in _leads(membership) if lead != user]
    day = membership.until if what == "ends_soon" else dt.datetime.now(dt.UTC).strftime("%Y%m%d%H%M%S")
    for reader in told:
        _tell(
            reader,
            subjects[what],
            "role",
            f"role:{membership.pk}:{what}:{day}:{reader.pk}",
            {
                "membership": membership,
                "what": what,
                "is_own": reader == user,
                "url": settings.SITE_URL + membership.chapter.get_absolute_url(),
            },
        )


def _leads(membership: ChapterMembership) -> list[User]:
    held = ChapterMembership.objects.filter(
        chapter=membership.chapter_id, role=ChapterMembership.Role.LEAD, user__is_active=True
    ).current(timezone.localdate())
    return [one.user for one in held.select_related("user") if one.user]


def tell_problem_report(report: ProblemReport) -> None:
    """Tell those who read reports that there is one. What it says stays here: mail is read by machines on its way."""
    for reader in readers_of(report, at=timezone.now()):
        _tell(
            reader,
            f"A problem was reported in {report.chapter.city}",
            "problem_report",
            f"problem-report:{report.pk}:{reader.pk}",
            {
                "chapter": report.chapter,
                "url": settings.SITE_URL
                + reverse("events:problem_report", args=[report.chapter.slug, report.pk]),
            },
        )


def tell_talk_decided(session: Session) -> None:
    """Tell whoever proposed a talk, and its speakers with an account, what the chapter decided and why."""
    talk, chapter = session.talk, session.chapter
    assert chapter is not None
    given = User.objects.filter(Q(pk=talk.proposed_by_id) | Q(speaker__talks=talk), is_active=True)
    is_taken = session.status == Session.Status.ACCEPTED
    stamp = int(session.decided_at.timestamp()) if session.decided_at else 0
    for user in given.distinct():
        _tell(
            user,
            f"{chapter.city} {'accepted' if is_taken else 'declined'} your talk",
            "talk_decided",
            f"talk-decided:{session.pk}:{session.status}:{stamp}:{user.pk}",
            {
                "session": session,
                "talk": talk,
                "chapter": chapter,
                "is_taken": is_taken,
                "url": settings.SITE_URL + talk.get_absolute_url(),
            },
        )


def tell_confirm_rsvp(rsvp: Rsvp) -> None:
    """Ask the owner of an address to confirm the sign-up, or show the one that they have."""
    _tell_rsvp(rsvp, "confirm", "Please confirm your sign-up", "Confirm or see it", "confirm")


def tell_going(rsvp: Rsvp) -> None:
    """You are going."""
    _tell_rsvp(rsvp, "going", "You are going", "Cancel or change it", "cancel")


def tell_waitlisted(rsvp: Rsvp) -> None:
    """You are on the waitlist."""
    _tell_rsvp(rsvp, "waitlisted", "You are on the waitlist", "Leave the waitlist or change it", "cancel")


def tell_offered(rsvp: Rsvp) -> None:
    """A seat is held for you."""
    _tell_rsvp(rsvp, "offered", "A seat is free for you", "Take it", "accept")


def tell_promoted(rsvp: Rsvp) -> None:
    """You were on the waitlist and have a seat now."""
    _tell_rsvp(rsvp, "promoted", "You have a seat now", "Cancel or change it", "cancel")


def tell_left(rsvp: Rsvp) -> None:
    """You are no longer signed up."""
    _tell_rsvp(rsvp, "left", "You are no longer signed up", "See it", "view")


def tell_reconfirm(rsvp: Rsvp) -> None:
    """Do you still come?"""
    _tell_rsvp(rsvp, "reconfirm", "Do you still come?", "Answer", "reconfirm")


def _tell_rsvp(rsvp: Rsvp, event: str, news: str, button: str, action: str) -> None:
    meetup = rsvp.meetup
    queue_mail(
        kind=SEATS.key,
        to=rsvp.address,
        user=rsvp.user,
        subject=f"{news}: {meetup.title}",
        template="events/mail/seat_news",
        context={"news": news, "meetup": meetup, "button": button, "url": rsvp_url(rsvp, action)},
        dedupe_key=f"rsvp-{event}:{rsvp.pk}:{rsvp.changed_at.isoformat()}",
    )


def tell_confirm_ballot(ballot: DateBallot) -> None:
    """Lead the owner of an address to the votes given with it; they count once the button there is pressed.

    At most one mail in ten minutes, however often the form is sent: the page behind the link shows what was said last.
    """
    meetup = ballot.poll.meetup
    queue_mail(
        kind=SEATS.key,
        to=ballot.address,
        user=ballot.user,
        subject=f"Your votes on the date: {meetup.title}",
        template="events/mail/confirm_ballot",
        context={"meetup": meetup, "url": ballot_url(ballot), "days": BALLOT_CONFIRM_WITHIN.days},
        dedupe_key=f"confirm-ballot:{ballot.pk}:{int(timezone.now().timestamp()) // 600}",
        forget=True,
    )


def tell_date_decided(meetup: Meetup) -> None:
    """Tell everybody who voted, and whoever has signed up, which date was chosen; a task writes the mails."""
    send_on_commit("events.tasks.tell_date_decided", meetup.pk)


def write_date_decided(*, meetup: Meetup) -> int:
    """The mails themselves, one for each person and date; returns for how many persons. Safe to run twice."""
    ballots = DateBallot.objects.filter(poll__meetup=meetup, confirmed_at__isnull=False).select_related(
        "user"
    )
    readers = {one.address.lower(): one.user for one in ballots}
    rsvps = {
        one.address.lower(): one
        for one in meetup.rsvps.exclude(status=Rsvp.Status.UNCONFIRMED).select_related("user")
    }
    readers |= {address: one.user for address, one in rsvps.items() if one.status != Rsvp.Status.DECLINED}
    for address, user in readers.items():
        rsvp = rsvps.get(address)
        queue_mail(
            kind=SEATS.key,
            to=address,
            user=user,
            subject=f"The date is set: {meetup.title}",
            template="events/mail/date_decided",
            context={
                "meetup": meetup,
                "rsvp": rsvp,
                "rsvp_url": rsvp_url(rsvp, "view") if rsvp else "",
                "url": settings.SITE_URL + meetup.get_absolute_url(),
            },
            dedupe_key=f"date-decided:{meetup.pk}:{meetup.ical_sequence}:{address}",
        )
    return len(readers)
