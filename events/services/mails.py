"""Every mail of this room by the name under which services send it, each with a dedupe key that names its event.

Those about one sign-up are in ``seat_mails``, those to many in ``mail_rounds``; here are those about chapters, roles,
offers to help, talks and reports.
"""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from events.models import (
    Chapter,
    ChapterFollow,
    ChapterMembership,
    CoHost,
    DateBallot,
    OrganizerApplication,
    ProblemReport,
    Session,
    SpeakerClaim,
)
from events.queries.care import readers_of
from events.queries.chapters import members_who_lead
from events.queries.volunteering import deciders_of
from events.services.follow_links import follow_url
from events.services.mail_kinds import CHAPTERS, SEATS
from events.services.mail_rounds import tell_announcement as tell_announcement
from events.services.mail_rounds import tell_cancelled as tell_cancelled
from events.services.mail_rounds import tell_changed as tell_changed
from events.services.mail_rounds import tell_date_decided as tell_date_decided
from events.services.mail_rounds import tell_new_meetup as tell_new_meetup
from events.services.mail_writing import subject_line
from events.services.poll_links import CONFIRM_WITHIN as BALLOT_CONFIRM_WITHIN
from events.services.poll_links import ballot_url
from events.services.seat_mails import tell_confirm_rsvp as tell_confirm_rsvp
from events.services.seat_mails import tell_going as tell_going
from events.services.seat_mails import tell_left as tell_left
from events.services.seat_mails import tell_offered as tell_offered
from events.services.seat_mails import tell_promoted as tell_promoted
from events.services.seat_mails import tell_reconfirm as tell_reconfirm
from events.services.seat_mails import tell_released as tell_released
from events.services.seat_mails import tell_waitlisted as tell_waitlisted
from portal.accounts.models import User
from portal.mail.services import queue_mail


def _tell(user: User, subject: str, template: str, key: str, context: dict[str, Any]) -> None:
    queue_mail(
        kind=CHAPTERS.key,
        to=user.email,
        user=user,
        subject=subject_line(subject),
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
        subject=subject_line(f"Follow the {follow.chapter.city} chapter?"),
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


def _to_organizers(chapter: Chapter, subject: str, sentence: str, address: str, key: str) -> None:
    """Ask those who run ``chapter`` for an answer, on the page at ``address``."""
    for reader in members_who_lead(chapter, at=timezone.now()):
        _tell(reader, subject, "request", f"{key}:{reader.pk}", _request(sentence, address))


def _request(sentence: str, address: str) -> dict[str, Any]:
    return {"sentence": sentence, "url": settings.SITE_URL + address}


def tell_co_host(co_host: CoHost, *, at: dt.datetime) -> None:
    """Tell a chapter that it is asked to hold a meetup too, or those who asked what it answered."""
    meetup, asked = co_host.meetup, co_host.chapter
    key = f"co-host:{co_host.pk}:{co_host.status}:{int(at.timestamp())}"
    if co_host.status == CoHost.Status.ASKED:
        _to_organizers(
            asked,
            f"{meetup.chapter.city} asks {asked.city} to hold a meetup together",
            f"The {meetup.chapter.city} chapter would like to hold “{meetup.title}” together with {asked.city}. "
            "It shows on your chapter’s page once you agree. Please answer here:",
            reverse("events:co_hosting", args=[asked.slug]),
            key,
        )
        return
    answer = "agreed to hold" if co_host.status == CoHost.Status.ACCEPTED else "does not hold"
    _to_organizers(
        meetup.chapter,
        f"{asked.city} {answer} the meetup with you",
        f"The {asked.city} chapter {answer} “{meetup.title}” with you.",
        reverse("events:co_hosts", args=[meetup.slug]),
        key,
    )


def tell_talk_proposed(session: Session) -> None:
    """Tell those who run the chapter that a talk waits for their answer."""
    talk, chapter = session.talk, session.chapter
    assert chapter is not None
    _to_organizers(
        chapter,
        f"A talk for {chapter.city}: {talk.title}",
        f"“{talk.title}” is proposed to the {chapter.city} chapter. Whoever proposes it waits for your answer:",
        reverse("events:chapter_talks", args=[chapter.slug]),
        f"talk-proposed:{session.pk}",
    )


def tell_claim_made(claim: SpeakerClaim) -> None:
    """Tell those who run a chapter where the speaker spoke, or else staff, that somebody claims the page."""
    given = Session.objects.accepted().filter(talk__speakers=claim.speaker, chapter__isnull=False)
    chapters = Chapter.objects.filter(pk__in=given.values("chapter"))
    leads = {user for chapter in chapters for user in members_who_lead(chapter, at=timezone.now())}
    staff = User.objects.filter(is_staff=True, is_active=True)
    for reader in (leads or set(staff)) - {claim.user}:
        _tell(
            reader,
            f"Is this {claim.speaker.name}?",
            "request",
            f"claim-made:{claim.pk}:{reader.pk}",
            _request(
                f"{claim.user.name} says that the speaker’s page “{claim.speaker.name}” is about them. "
                "You can decide it here:",
                claim.speaker.get_absolute_url(),
            ),
        )


def tell_claim_decided(claim: SpeakerClaim) -> None:
    """Tell whoever said that a speaker’s page is theirs what was decided."""
    is_theirs = claim.status == SpeakerClaim.Status.ACCEPTED
    sentence = (
        f"The speaker’s page “{claim.speaker.name}” is yours now. You can say there who you are:"
        if is_theirs
        else f"The speaker’s page “{claim.speaker.name}” was not given to you. If that is a mistake, write to the "
        "organizers of a chapter that you spoke at."
    )
    _tell(
        claim.user,
        f"Your speaker’s page: {'yes' if is_theirs else 'no'}",
        "request",
        f"claim:{claim.pk}:{claim.status}",
        _request(sentence, claim.speaker.get_absolute_url()),
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
        subject=subject_line("Your votes on the date", meetup.title),
        template="events/mail/confirm_ballot",
        context={"meetup": meetup, "url": ballot_url(ballot), "days": BALLOT_CONFIRM_WITHIN.days},
        dedupe_key=f"confirm-ballot:{ballot.pk}:{int(timezone.now().timestamp()) // 600}",
        forget=True,
    )
