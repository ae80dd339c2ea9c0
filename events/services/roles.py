"""Roles in a chapter: given, changed, ended, handed over. All of it happens under the chapter's lock.

A chapter that has a lead keeps one whose role has no last day. So nobody can leave it leaderless: not by leaving, nor
by removing somebody, nor by letting a role end.
"""

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from events.models import Chapter, ChapterMembership, MembershipQuerySet
from events.permissions import can_lead_chapter
from events.services import mails
from events.services.audit import note_act
from events.services.locks import lock_chapter
from portal.accounts.models import User

Role = ChapterMembership.Role
#: How long before its last day the holder of a role and the leads are told.
TELL_BEFORE = dt.timedelta(days=14)


class RoleRefused(Exception):
    """A role cannot be changed like that; the message is a sentence for whoever asks."""


@transaction.atomic
def give_role(
    *,
    chapter: Chapter,
    actor: User,
    role: str,
    at: dt.datetime,
    user: User | None = None,
    name: str = "",
    until: dt.date | None = None,
    takes_reports: bool = False,
) -> ChapterMembership:
    """Give a member a role, or note somebody by ``name`` who has no account. Who has a role gets this one instead.

    Raises ``PermissionDenied`` and :class:`RoleRefused`.
    """
    chapter = _lock_for(chapter.pk, actor)
    if user is None and role == Role.LEAD:
        raise RoleRefused("A lead signs in to lead, so the role needs somebody with an account.")
    if user and (held := _held(chapter, at).filter(user=user).first()):
        return _change(held, actor, role, until, takes_reports, at)
    _refuse_past_end(until, at)
    made = ChapterMembership.objects.create(
        chapter=chapter,
        user=user,
        name="" if user else name.strip(),
        role=role,
        since=timezone.localdate(at),
        until=until,
        takes_reports=takes_reports,
    )
    _wake(chapter, made)
    note_act("give_role", actor=actor, chapter=chapter, person=made.shown_name, role=role)
    if user and user != actor:
        mails.tell_role(made, "given")
    return made


@transaction.atomic
def change_role(
    *,
    membership: ChapterMembership,
    actor: User,
    role: str,
    until: dt.date | None,
    takes_reports: bool,
    at: dt.datetime,
) -> ChapterMembership:
    """Another role, another last day, or named for reports. Raises ``PermissionDenied`` and :class:`RoleRefused`."""
    chapter = _lock_for(membership.chapter_id, actor)
    return _change(_now(chapter, membership, at), actor, role, until, takes_reports, at)


@transaction.atomic
def end_role(*, membership: ChapterMembership, actor: User, at: dt.datetime) -> None:
    """Take a role back: a lead or staff from anybody, everybody their own.

    Raises ``PermissionDenied``, and :class:`RoleRefused` for that of the last lead.
    """
    chapter = lock_chapter(membership.chapter_id)
    held = _now(chapter, membership, at)
    is_own = held.user_id is not None and held.user_id == actor.pk
    if not is_own and not can_lead_chapter(actor, chapter):
        raise PermissionDenied
    _end(held, at)
    _refuse_leaderless(chapter, held, at)
    act = "leave_role" if is_own else "end_role"
    note_act(act, actor=actor, chapter=chapter, person=held.shown_name, role=held.role)
    if held.user and not is_own:
        mails.tell_role(held, "ended")


@transaction.atomic
def offer_lead(*, membership: ChapterMembership, actor: User, at: dt.datetime) -> None:
    """A lead asks an organizer to take their place. Nothing changes before the organizer says yes.

    Raises ``PermissionDenied`` and :class:`RoleRefused`.
    """
    chapter = _lock_for(membership.chapter_id, actor)
    held = _now(chapter, membership, at)
    if held.role != Role.ORGANIZER or held.user is None:
        raise RoleRefused("The lead is handed to an organizer who has an account.")
    _held(chapter, at).filter(lead_offered_at__isnull=False).update(
        lead_offered_at=None, lead_offered_by=None
    )
    held.lead_offered_at, held.lead_offered_by = at, actor
    held.save(update_fields=["lead_offered_at", "lead_offered_by"])
    note_act("offer_lead", actor=actor, chapter=chapter, person=held.shown_name)
    mails.tell_role(held, "lead_offered")


@transaction.atomic
def answer_lead_offer(*, membership: ChapterMembership, actor: User, accept: bool, at: dt.datetime) -> None:
    """The organizer says yes or no; whoever offered, or staff, may take the offer back. All at once or not at all.

    With a yes the organizer leads, and the lead who offered becomes an organizer. Raises ``PermissionDenied`` and
    :class:`RoleRefused`.
    """
    chapter = lock_chapter(membership.chapter_id)
    held = _now(chapter, membership, at)
    if held.lead_offered_at is None:
        raise RoleRefused("There is no such offer any more.")
    if actor.pk != held.user_id and (accept or not can_lead_chapter(actor, chapter)):
        raise PermissionDenied
    giver = held.lead_offered_by
    held.lead_offered_at, held.lead_offered_by = None, None
    if not accept:
        held.save(update_fields=["lead_offered_at", "lead_offered_by"])
        note_act("decline_lead", actor=actor, chapter=chapter, person=held.shown_name)
        return
    if giver is None or not can_lead_chapter(giver, chapter):
        raise RoleRefused("Whoever offered it does not lead the chapter any more.")
    held.role, held.until = Role.LEAD, None
    held.save(update_fields=["lead_offered_at", "lead_offered_by", "role", "until"])
    _held(chapter, at).filter(user=giver, role=Role.LEAD).update(role=Role.ORGANIZER)
    note_act("accept_lead", actor=actor, chapter=chapter, person=held.shown_name, former=giver.name)
    mails.tell_role(held, "lead_handed")


def tell_of_ends(*, at: dt.datetime) -> int:
    """Tell holders and leads of roles that end within :data:`TELL_BEFORE`; a beat task calls it. Each end once.

    The role of a last lead does not end: its last day is taken away, and the lead is told. Returns how many were told.
    """
    today = timezone.localdate(at)
    ending = ChapterMembership.objects.filter(
        until__gte=today, until__lte=today + TELL_BEFORE, user__is_active=True
    )
    told = 0
    for membership in ending.select_related("chapter", "user").order_by("until", "pk"):
        with transaction.atomic():
            if not _keep_last_lead(membership, at):
                mails.tell_role(membership, "ends_soon")
            told += 1
    return told


def leads_of(chapter: Chapter, *, at: dt.datetime) -> MembershipQuerySet:
    """Those who lead ``chapter`` at ``at`` and can sign in to do so."""
    return _held(chapter, at).filter(role=Role.LEAD, user__is_active=True)


def chapters_left_leaderless(user: User, *, at: dt.datetime) -> list[Chapter]:
    """The chapters whose only lead is ``user``: named to them before they erase their account."""
    led = ChapterMembership.objects.filter(user=user, role=Role.LEAD).current(timezone.localdate(at))
    chapters = [one.chapter for one in led.select_related("chapter")]
    return [
        chapter
        for chapter in chapters
        if chapter.status != Chapter.Status.ARCHIVED
        and not leads_of(chapter, at=at).filter(until=None).exclude(user=user).exists()
    ]


def _keep_last_lead(membership: ChapterMembership, at: dt.datetime) -> bool:
    """Take the last day from the role of a chapter's last lead. The forms do not let it have one; an import may."""
    chapter = lock_chapter(membership.chapter_id)
    if membership.role != Role.LEAD or leads_of(chapter, at=at).filter(until=None).exists():
        return False
    ChapterMembership.objects.filter(pk=membership.pk).update(until=None)
    membership.until = None
    note_act("keep_last_lead", actor=None, chapter=chapter, person=membership.shown_name)
    mails.tell_role(membership, "changed")
    return True


def _lock_for(pk: int, actor: User) -> Chapter:
    """The chapter under its lock, if ``actor`` may give and take its roles now."""
    chapter = lock_chapter(pk)
    if not can_lead_chapter(actor, chapter):
        raise PermissionDenied
    return chapter


def _held(chapter: Chapter, at: dt.datetime) -> MembershipQuerySet:
    return ChapterMembership.objects.filter(chapter=chapter).current(timezone.localdate(at))


def _now(chapter: Chapter, membership: ChapterMembership, at: dt.datetime) -> ChapterMembership:
    """The row as it is under the lock."""
    found = _held(chapter, at).select_related("user", "lead_offered_by").filter(pk=membership.pk).first()
    if found is None:
        raise RoleRefused("This role has ended already.")
    return found


def _change(
    held: ChapterMembership,
    actor: User,
    role: str,
    until: dt.date | None,
    takes_reports: bool,
    at: dt.datetime,
) -> ChapterMembership:
    _refuse_past_end(until, at)
    if held.user is None and role == Role.LEAD:
        raise RoleRefused("A lead signs in to lead, so the role needs somebody with an account.")
    before = ChapterMembership.objects.select_related("user").get(pk=held.pk)
    if (before.role, before.until, before.takes_reports) == (role, until, takes_reports):
        return held
    held.role, held.until, held.takes_reports = role, until, takes_reports
    held.lead_offered_at, held.lead_offered_by = None, None
    held.save()
    _refuse_leaderless(held.chapter, before, at)
    _wake(held.chapter, held)
    note_act(
        "change_role",
        actor=actor,
        chapter=held.chapter,
        person=held.shown_name,
        role=role,
        until=until.isoformat() if until else "",
        takes_reports=takes_reports,
    )
    if held.user and held.user != actor and (before.role, before.until) != (role, until):
        mails.tell_role(held, "changed")
    return held


def _end(held: ChapterMembership, at: dt.datetime) -> None:
    """The role ends with yesterday; one that began today was never held."""
    yesterday = timezone.localdate(at) - dt.timedelta(days=1)
    if held.since and held.since > yesterday:
        ChapterMembership.objects.filter(pk=held.pk).delete()
        return
    ChapterMembership.objects.filter(pk=held.pk).update(
        until=yesterday, takes_reports=False, lead_offered_at=None, lead_offered_by=None
    )


def _refuse_past_end(until: dt.date | None, at: dt.datetime) -> None:
    if until and until < timezone.localdate(at):
        raise RoleRefused("The last day of a role cannot be over already.")


def _refuse_leaderless(chapter: Chapter, before: ChapterMembership, at: dt.datetime) -> None:
    """Raise if the change to a lead's row leaves no lead whose role lasts. The transaction then undoes the change."""
    if before.role != Role.LEAD or before.user is None or chapter.status == Chapter.Status.ARCHIVED:
        return
    if not leads_of(chapter, at=at).filter(until=None).exists():
        raise RoleRefused(
            f"{before.shown_name} is the last lead of {chapter.city} whose role has no last day. "
            "Hand the chapter over first, or give somebody else the lead."
        )


def _wake(chapter: Chapter, membership: ChapterMembership) -> None:
    """A proposed chapter becomes active once somebody leads it."""
    if membership.role == Role.LEAD and membership.user:
        Chapter.objects.filter(pk=chapter.pk, status=Chapter.Status.PROPOSED).update(
            status=Chapter.Status.ACTIVE
        )
