"""Who is kept out of a chapter, and who reads what was reported."""

import datetime as dt

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet
from django.utils import timezone

from events.models import AuditLog, Block, Chapter, ChapterMembership, Person, ProblemReport
from events.queries.people import addresses_of, member_with
from portal.accounts.models import User


def is_blocked(person: Person, chapter: Chapter) -> bool:
    """Whether ``chapter`` keeps ``person`` out, by account or by any address that the account has verified.

    The other way round too: whoever is blocked as a member does not get in by giving the address alone.
    """
    return Block.objects.filter(_rows_about(person), chapter=chapter).exists()


def _rows_about(person: Person) -> Q:
    if person.user:
        return Q(user=person.user) | Q(user=None, email__in=addresses_of(person.user))
    if owner := member_with(person.email):
        return _rows_about(Person.of(owner))
    return person.key


def rows_of_blocked(chapter_pk: int) -> Q:
    """Finds the rows, in any table of people, of everybody whom the chapter keeps out: the rule of ``is_blocked``."""
    blocks = Block.objects.filter(chapter=chapter_pk)
    members = blocks.filter(user__isnull=False).values("user")
    addresses = blocks.filter(user=None).values("email")
    owned = EmailAddress.objects.filter(verified=True)
    return (
        Q(user__in=members)
        | Q(user__in=owned.filter(email__in=addresses).values("user"))
        | Q(user=None, email__in=addresses)
        | Q(user=None, email__in=owned.filter(user__in=members).values("email"))
    )


def reports_for(user: User, chapter: Chapter) -> "QuerySet[ProblemReport]":
    """The reports to ``chapter`` that ``user``, who takes its reports, may read: those not kept from them."""
    kept = ProblemReport.kept_from.through.objects.filter(user=user).values("problemreport")
    found = ProblemReport.objects.filter(chapter=chapter).exclude(pk__in=kept)
    return found.select_related("meetup", "handled_by")


def named_for_reports(chapter: Chapter, *, at: dt.datetime) -> list[ChapterMembership]:
    """Those whom the chapter's page names as somebody to whom problems are reported."""
    held = ChapterMembership.objects.filter(chapter=chapter, takes_reports=True)
    return list(held.current(timezone.localdate(at)).select_related("user"))


def readers_of(report: ProblemReport, *, at: dt.datetime) -> list[User]:
    """Who is told of a report: the named people with an account, unless it is kept from them; if none, staff."""
    kept = set(report.kept_from.values_list("pk", flat=True))
    named = [one.user for one in named_for_reports(report.chapter, at=at) if one.user and one.user.is_active]
    told = [user for user in named if user.pk not in kept]
    return told or list(
        User.objects.filter(is_staff=True, is_active=True).exclude(pk__in=kept).order_by("pk")
    )


def acts_of(chapter: Chapter) -> "QuerySet[AuditLog]":
    """What was done in the chapter's name, the latest first."""
    return AuditLog.objects.filter(chapter=chapter).select_related("actor", "chapter", "meetup")
