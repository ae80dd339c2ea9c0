"""Offers to help: who decides them, and what each person reads of them."""

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from events.models import ApplicationMessage, ChapterMembership, OrganizerApplication
from events.permissions import can_decide_application
from portal.accounts.models import User

Status = OrganizerApplication.Status


def deciders_of(application: OrganizerApplication) -> list[User]:
    """Who is told of an offer: the chapter's leads, or staff where there is none; never the applicant."""
    leads = ChapterMembership.objects.filter(
        chapter=application.chapter_id, role=ChapterMembership.Role.LEAD, user__is_active=True
    ).current(timezone.localdate())
    others = User.objects.filter(is_active=True).exclude(pk=application.applicant_id)
    found = others.filter(pk__in=leads.values("user")) if application.chapter_id else others.none()
    return list(found.order_by("pk")) or list(others.filter(is_staff=True).order_by("pk"))


def applications_for(user: User) -> "QuerySet[OrganizerApplication]":
    """The offers that ``user`` may decide: all for staff, those to the chapters that they lead for a lead."""
    found = OrganizerApplication.objects.select_related("applicant", "chapter", "decided_by")
    found = found.annotate(messages_sent=Count("messages", filter=Q(messages__is_note=False)))
    if user.is_staff:
        return found if user.is_superuser else found.exclude(applicant=user)
    led = ChapterMembership.objects.filter(user=user, role=ChapterMembership.Role.LEAD)
    return found.filter(chapter__in=led.current(timezone.localdate()).values("chapter")).exclude(
        applicant=user
    )


def readable_application(user: User, pk: int) -> OrganizerApplication | None:
    """The offer ``pk`` if ``user`` made it or may decide it."""
    found = (
        OrganizerApplication.objects.select_related("applicant", "chapter", "decided_by")
        .filter(pk=pk)
        .first()
    )
    if found and (found.applicant_id == user.pk or can_decide_application(user, found)):
        return found
    return None


def conversation(application: OrganizerApplication, user: User) -> list[ApplicationMessage]:
    """What ``user`` may read of it: the notes of those who decide are not the applicant's."""
    found = application.messages.select_related("author")
    if application.applicant_id == user.pk:
        found = found.filter(is_note=False)
    return list(found)


def named_without_account(application: OrganizerApplication) -> "QuerySet[ChapterMembership]":
    """People of the chapter known by name alone, one of whom the applicant may be."""
    rows = ChapterMembership.objects.filter(chapter=application.chapter_id, user=None)
    return rows.current(timezone.localdate()) if application.chapter_id else rows.none()


def decides_somewhere(user: User) -> bool:
    """Whether ``user`` has offers to decide, even if there is none now."""
    led = ChapterMembership.objects.filter(user=user, role=ChapterMembership.Role.LEAD)
    return user.is_staff or led.current(timezone.localdate()).exists()
