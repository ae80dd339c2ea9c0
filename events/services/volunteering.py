"""Offers to start a chapter or to help one, from the first word to the decision."""

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from events.models import (
    ApplicationMessage,
    Chapter,
    ChapterMembership,
    OrganizerApplication,
    Person,
)
from events.permissions import can_decide_application
from events.queries.care import is_blocked
from events.services import mails
from events.services.audit import note_act
from events.services.chapters import chapter_of_city, get_or_make_chapter, one_line
from events.services.locks import lock_chapter
from events.services.roles import leads_of
from portal.accounts.models import User

Status = OrganizerApplication.Status
Role = ChapterMembership.Role
#: From which state which others can be reached by those who decide.
STEPS: dict[str, tuple[str, ...]] = {
    Status.NEW: (Status.IN_REVIEW, Status.ON_HOLD, Status.ACCEPTED, Status.REJECTED),
    Status.IN_REVIEW: (Status.ON_HOLD, Status.ACCEPTED, Status.REJECTED),
    Status.ON_HOLD: (Status.IN_REVIEW, Status.ACCEPTED, Status.REJECTED),
}


class ApplicationRefused(Exception):
    """What somebody asked for cannot be; the message is a sentence for them."""


@transaction.atomic
def offer_to_help(
    *,
    applicant: User,
    chapter: Chapter | None,
    role: str,
    motivation: str,
    city: str = "",
    country: str = "India",
) -> OrganizerApplication:
    """Offer to help ``chapter``, or to start one in ``city``, which is always an offer to lead it.

    Raises :class:`ApplicationRefused`.
    """
    chapter = chapter or chapter_of_city(city, country)
    if chapter:
        city, country = "", chapter.country
        _refuse_offer_to(chapter, applicant)
        if chapter.status in (Chapter.Status.PROPOSED, Chapter.Status.ARCHIVED):
            role = Role.LEAD
    else:
        city, country, role = one_line(city), one_line(country), Role.LEAD
    _refuse_second_offer(applicant, chapter, city)
    try:
        with transaction.atomic():
            application = OrganizerApplication.objects.create(
                applicant=applicant,
                chapter=chapter,
                city=city,
                country=country,
                role=role,
                motivation=motivation,
            )
    except IntegrityError as error:  # the same form sent twice at once
        raise ApplicationRefused("You have offered to help there already.") from error
    mails.tell_application(application, "received")
    mails.tell_application(application, "new")
    return application


@transaction.atomic
def decide_application(
    *,
    application: OrganizerApplication,
    actor: User,
    status: str,
    reason: str,
    at: dt.datetime,
    takes_over: ChapterMembership | None = None,
) -> OrganizerApplication:
    """Move an offer on. Accepting makes the role, and the chapter of a city that has none, in the same transaction.

    ``takes_over`` is the row of somebody known by name who now has an account: the applicant's from here on.
    Raises ``PermissionDenied``, and :class:`ApplicationRefused` where the step is not possible (any more).
    """
    if not can_decide_application(actor, application):
        raise PermissionDenied
    if status == Status.REJECTED and not reason.strip():
        raise ApplicationRefused("Say why: the applicant reads it.")
    came_from = [state for state, reached in STEPS.items() if status in reached]
    moved = OrganizerApplication.objects.filter(pk=application.pk, status__in=came_from).update(
        status=status, decided_by=actor, decided_at=at, reason=reason.strip()
    )
    if not moved:
        raise ApplicationRefused("Somebody has decided this in the meantime.")
    application.refresh_from_db()
    if status == Status.ACCEPTED:
        _make_role(application, actor, takes_over, at)
    note_act(
        f"{_VERBS[status]}_application",
        actor=actor,
        chapter=application.chapter,
        person=application.applicant.name,
        place=application.place,
        role=application.role,
    )
    mails.tell_application(application, status)
    return application


@transaction.atomic
def withdraw_application(*, application: OrganizerApplication, actor: User, at: dt.datetime) -> None:
    """The applicant takes the offer back. Raises ``PermissionDenied`` and :class:`ApplicationRefused`."""
    if actor.pk != application.applicant_id:
        raise PermissionDenied
    moved = OrganizerApplication.objects.filter(pk=application.pk, status__in=list(STEPS)).update(
        status=Status.WITHDRAWN, decided_at=at
    )
    if not moved:
        raise ApplicationRefused("Your offer is decided already.")


@transaction.atomic
def say(*, application: OrganizerApplication, author: User, text: str, is_note: bool) -> ApplicationMessage:
    """Add to the conversation. A note is read by those who decide alone, so only they can write one.

    Raises ``PermissionDenied``, and :class:`ApplicationRefused` once the offer is decided.
    """
    decides = can_decide_application(author, application)
    is_applicant = author.pk == application.applicant_id
    if not decides and not is_applicant:
        raise PermissionDenied
    if is_applicant:
        is_note = False
        if application.status not in STEPS:
            raise ApplicationRefused("This offer is decided; make a new one if you want to.")
    message = ApplicationMessage.objects.create(
        application=application, author=author, text=text.strip(), is_note=is_note
    )
    if not is_note:
        mails.tell_application(application, "answer" if is_applicant else "message")
    return message


_VERBS: dict[str, str] = {
    Status.IN_REVIEW: "review",
    Status.ON_HOLD: "hold",
    Status.ACCEPTED: "accept",
    Status.REJECTED: "reject",
}


def _refuse_offer_to(chapter: Chapter, applicant: User) -> None:
    if is_blocked(Person.of(applicant), chapter):
        raise ApplicationRefused(f"The organizers in {chapter.city} have blocked you from their chapter.")


def _refuse_second_offer(applicant: User, chapter: Chapter | None, city: str) -> None:
    open_ones = OrganizerApplication.objects.filter(applicant=applicant, status__in=list(STEPS))
    same = open_ones.filter(chapter=chapter) if chapter else open_ones.filter(chapter=None, city__iexact=city)
    if same.exists():
        raise ApplicationRefused("You have offered to help there already; its page shows where it stands.")


def _make_role(
    application: OrganizerApplication, actor: User, takes_over: ChapterMembership | None, at: dt.datetime
) -> None:
    """The accepted offer's chapter and role. Of two offers for one new city the first accepted has the lead."""
    chapter = application.chapter
    if chapter is None:
        chapter, is_new = get_or_make_chapter(city=application.city, country=application.country)
        if is_new:
            note_act("make_chapter", actor=actor, chapter=chapter)
    chapter = lock_chapter(chapter.pk)
    asked_for_new = application.chapter is None or chapter.status != Chapter.Status.ACTIVE
    if application.role == Role.LEAD and asked_for_new and leads_of(chapter, at=at).exists():
        application.role = Role.ORGANIZER
    application.chapter = chapter
    application.save(update_fields=["chapter", "role"])
    _seat(application, chapter, takes_over, at)
    if application.role == Role.LEAD:
        Chapter.objects.filter(pk=chapter.pk).exclude(status=Chapter.Status.ACTIVE).update(
            status=Chapter.Status.ACTIVE
        )


def _seat(
    application: OrganizerApplication,
    chapter: Chapter,
    takes_over: ChapterMembership | None,
    at: dt.datetime,
) -> None:
    """One row for the applicant: the one that they hold, the one that bore their name, or a new one."""
    today = timezone.localdate(at)
    rows = ChapterMembership.objects.filter(chapter=chapter)
    held = rows.filter(user=application.applicant).current(today).first()
    named = rows.filter(user=None, pk=takes_over.pk).first() if takes_over else None
    if held:
        if _weight(held.role) < _weight(application.role):
            held.role, held.until = application.role, None
            held.save(update_fields=["role", "until"])
        if named:
            named.delete()
    elif named:
        named.user, named.name, named.role = application.applicant, "", application.role
        named.until = None
        named.save(update_fields=["user", "name", "role", "until"])
    else:
        rows.create(chapter=chapter, user=application.applicant, role=application.role, since=today)


def _weight(role: str) -> int:
    return [str(one) for one in Role].index(role)
