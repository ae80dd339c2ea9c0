"""Chapters, the people who run them, and those who follow them."""

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from events.models.people import OfPerson, of_somebody, once
from portal.accounts.models import validate_time_zone


class ChapterQuerySet(models.QuerySet["Chapter"]):
    """Which chapters are shown where."""

    def visible_to(self, user: object) -> "ChapterQuerySet":
        """Chapters whose page ``user`` may open: all of them, archived ones too, for their history is public."""
        return self.all()

    def listed(self) -> "ChapterQuerySet":
        """Chapters that the list shows: those that live, and those that somebody proposes."""
        return self.exclude(status=Chapter.Status.ARCHIVED)


class Chapter(models.Model):
    """The people of one city, under the common roof."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACTIVE = "active", "Active"
        QUIET = "quiet", "Quiet"
        ARCHIVED = "archived", "Archived"

    slug = models.SlugField(unique=True)
    city = models.CharField(max_length=80)
    country = models.CharField(max_length=80, default="India")
    time_zone = models.CharField(max_length=64, default="Asia/Kolkata", validators=[validate_time_zone])
    status = models.CharField(max_length=10, choices=Status, default=Status.PROPOSED)
    summary = models.CharField(max_length=200, blank=True, help_text="One sentence for lists.")
    description = models.TextField(blank=True, help_text="Plain text; an empty line starts a paragraph.")
    latitude = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True, help_text="WGS 84.")
    longitude = models.DecimalField(
        max_digits=8, decimal_places=5, null=True, blank=True, help_text="WGS 84."
    )
    code_of_conduct = models.TextField(
        blank=True, help_text="What holds here beside the community's code of conduct. Plain text."
    )
    how_to_help = models.TextField(blank=True, help_text="What the chapter needs: rooms, talks, hands.")
    lock_version = models.PositiveBigIntegerField(
        default=0,
        editable=False,
        help_text="Raised first in every transaction that changes roles: a row lock.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[ChapterQuerySet] = ChapterQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

    class Meta:
        ordering = ["city"]
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    latitude__isnull=False,  # a comparison with NULL would pass as unknown
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
                name="chapter_coordinates_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.city

    def get_absolute_url(self) -> str:
        return reverse("events:chapter", args=[self.slug])


class MembershipQuerySet(models.QuerySet["ChapterMembership"]):
    """Who does what in a chapter, and when."""

    def current(self, at: dt.date) -> "MembershipQuerySet":
        """Roles that are held on the day ``at``; ``until`` is the last day of a role."""
        return self.filter(Q(since__isnull=True) | Q(since__lte=at), Q(until__isnull=True) | Q(until__gte=at))

    def leading(self) -> "MembershipQuerySet":
        """Roles that may edit the chapter and its meetups."""
        return self.filter(role__in=ChapterMembership.LEADING_ROLES)


class ChapterMembership(models.Model):
    """A person's role in a chapter. An organizer may be known by name before there is an account."""

    class Role(models.TextChoices):
        MEMBER = "member", "Member"
        VOLUNTEER = "volunteer", "Volunteer"
        CHECK_IN = "check_in", "Check-in"
        ORGANIZER = "organizer", "Organizer"
        LEAD = "lead", "Lead organizer"

    LEADING_ROLES = (Role.ORGANIZER, Role.LEAD)

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="chapter_memberships",
    )
    name = models.CharField(
        max_length=80, blank=True, help_text="For somebody without an account; otherwise the account's name."
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    since = models.DateField(null=True, blank=True, help_text="Empty: not recorded.")
    until = models.DateField(null=True, blank=True, help_text="Last day of the role. Empty: no end is set.")
    takes_reports = models.BooleanField(
        default=False, help_text="Named on the chapter's page as somebody to whom problems are reported."
    )
    lead_offered_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a lead offered this organizer their place."
    )
    lead_offered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

    class Meta:
        ordering = ["chapter", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False) | ~Q(name=""), name="membership_is_of_somebody"
            ),
            models.CheckConstraint(
                condition=Q(since__isnull=True) | Q(until__isnull=True) | Q(until__gte=F("since")),
                name="membership_ends_after_it_began",
            ),
            models.UniqueConstraint(
                fields=["chapter", "user", "role"],
                condition=Q(user__isnull=False, until__isnull=True),
                name="membership_once_per_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shown_name}, {self.get_role_display()}"

    @property
    def shown_name(self) -> str:
        """What others read: the account's display name where there is an account."""
        return self.user.name if self.user else self.name


class ChapterFollow(OfPerson):
    """Somebody who wants to hear of a chapter's meetups. Without an account it counts once confirmed by mail."""

    class Notify(models.TextChoices):
        EACH = "each", "At once, one mail for each new meetup"
        WEEKLY = "weekly", "Once a week, everything in one mail"
        NONE = "none", "No mail"

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="follows")
    notify = models.CharField(max_length=6, choices=Notify, default=Notify.EACH)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [of_somebody("follow_of_somebody"), *once("one_follow", "chapter")]
        indexes = [models.Index(fields=["chapter", "confirmed_at"], name="follow_of_chapter")]

    def __str__(self) -> str:
        return f"{self.shown_name} follows {self.chapter}"


class OrganizerApplication(models.Model):
    """Somebody who offers to start a chapter, or to help one. Accepting makes the role, and the chapter."""

    class Status(models.TextChoices):
        NEW = "new", "New"
        IN_REVIEW = "in_review", "In review"
        ON_HOLD = "on_hold", "On hold"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    OPEN = (Status.NEW, Status.IN_REVIEW, Status.ON_HOLD)
    ROLES = (
        ChapterMembership.Role.VOLUNTEER,
        ChapterMembership.Role.CHECK_IN,
        ChapterMembership.Role.ORGANIZER,
        ChapterMembership.Role.LEAD,
    )

    applicant = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="organizer_applications"
    )
    chapter = models.ForeignKey(
        Chapter, on_delete=models.CASCADE, null=True, blank=True, related_name="applications"
    )
    city = models.CharField(max_length=80, blank=True, help_text="A city that has no chapter yet.")
    country = models.CharField(max_length=80, default="India")
    role = models.CharField(
        max_length=10, choices=[(role.value, role.label) for role in ROLES], default=ROLES[2].value
    )
    motivation = models.TextField(help_text="What they would do, and what they have to bring.")
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="Of the decision; the applicant reads it.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(chapter__isnull=False) | ~Q(city=""), name="application_names_a_place"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["accepted", "rejected"]) | Q(decided_at__isnull=False),
                name="decided_application_has_time",
            ),
            models.UniqueConstraint(
                fields=["applicant", "chapter"],
                condition=Q(status__in=["new", "in_review", "on_hold"], chapter__isnull=False),
                name="one_open_application_for_chapter",
            ),
        ]
        indexes = [models.Index(fields=["status", "created_at"], name="application_by_status")]

    def __str__(self) -> str:
        return f"{self.applicant} for {self.place}"

    def get_absolute_url(self) -> str:
        return reverse("events:application", args=[self.pk])

    @property
    def place(self) -> str:
        """The city that it is about."""
        return self.chapter.city if self.chapter else self.city


class ApplicationMessage(models.Model):
    """One message of the conversation on an application. A note is for those who decide only."""

    application = models.ForeignKey(OrganizerApplication, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    text = models.TextField()
    is_note = models.BooleanField(default=False, help_text="The applicant does not see it.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.text[:60]
