"""Chapters, the people who run them, and their meetups, from an idea without a date to one that is over."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User, validate_time_zone


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
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[ChapterQuerySet] = ChapterQuerySet.as_manager()  # type: ignore[assignment]

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

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]

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


@dataclass(frozen=True)
class When:
    """A meetup's time as people at the place read it.

    ``start`` and ``end`` are wall-clock times in the meetup's own zone, without a zone, so that no template
    moves them into the reader's; ``zone`` is the abbreviation on that day (``IST``), ``stamp`` and
    ``end_stamp`` are values for ``<time datetime>``, as exact as ``precision`` allows.
    """

    precision: str
    start: dt.datetime | None
    end: dt.datetime | None
    zone: str
    stamp: str
    end_stamp: str

    @property
    def ends_same_day(self) -> bool:
        """Whether the end needs no date of its own."""
        return bool(self.start and self.end and self.start.date() == self.end.date())


def new_ical_uid() -> str:
    """An iCalendar UID for a new meetup: a random UUID, as RFC 7986 section 5.3 recommends. Never changes."""
    return str(uuid.uuid4())


class MeetupQuerySet(models.QuerySet["Meetup"]):
    """Who sees which meetups, and which are still to come."""

    def visible_to(self, user: object) -> "MeetupQuerySet":
        """All but drafts; drafts for staff and for those who lead the chapter."""
        public = ~Q(status=Meetup.Status.DRAFT)
        if not isinstance(user, User):
            return self.filter(public)
        if user.is_staff:
            return self.all()
        led = ChapterMembership.objects.filter(user=user).leading().current(timezone.localdate())
        return self.filter(public | Q(chapter__in=led.values("chapter")))

    def upcoming(self, *, at: dt.datetime) -> "MeetupQuerySet":
        """Meetups that are not over at ``at``; one without a date is to come until it is cancelled."""
        return self.exclude(_over(at)).order_by(F("starts_at").asc(nulls_last=True), "chapter__city", "pk")

    def past(self, *, at: dt.datetime) -> "MeetupQuerySet":
        """Meetups that are over at ``at``, the latest first; and cancelled ones that never had a date."""
        return self.filter(_over(at)).order_by(F("starts_at").desc(nulls_last=True), "-pk")


class Meetup(models.Model):
    """One meeting of a chapter: first an idea, perhaps without a date, then confirmed, in the end past."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        IDEA = "idea", "Idea"
        POLLING = "polling", "Vote on the date"
        TENTATIVE = "tentative", "Tentative"
        CONFIRMED = "confirmed", "Confirmed"
        CANCELLED = "cancelled", "Cancelled"

    class Mode(models.TextChoices):
        IN_PERSON = "in_person", "In person"
        ONLINE = "online", "Online"
        HYBRID = "hybrid", "In person and online"

    class DatePrecision(models.TextChoices):
        NONE = "none", "Date open"
        MONTH = "month", "Month only"
        DAY = "day", "Day only"
        EXACT = "exact", "Day and time"

    chapter = models.ForeignKey(Chapter, on_delete=models.PROTECT, related_name="meetups")
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=200, blank=True, help_text="One sentence for lists.")
    description = models.TextField(blank=True, help_text="Plain text; an empty line starts a paragraph.")
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.IN_PERSON)
    venue = models.TextField(blank=True, help_text="Name, address and access. Empty: not settled.")
    time_zone = models.CharField(max_length=64, default="Asia/Kolkata", validators=[validate_time_zone])
    starts_at = models.DateTimeField(
        null=True, blank=True, help_text="For a month or a day alone: its first moment in the meetup's zone."
    )
    ends_at = models.DateTimeField(null=True, blank=True)
    date_precision = models.CharField(max_length=5, choices=DatePrecision, default=DatePrecision.NONE)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    ical_uid = models.CharField(max_length=255, unique=True, default=new_ical_uid, editable=False)
    ical_sequence = models.PositiveIntegerField(default=0, editable=False, help_text="RFC 5545 SEQUENCE.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[MeetupQuerySet] = MeetupQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = [F("starts_at").asc(nulls_last=True), "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="confirmed") | Q(date_precision="exact", starts_at__isnull=False),
                name="confirmed_meetup_has_exact_start",
            ),
            models.CheckConstraint(
                condition=Q(date_precision="none", starts_at__isnull=True)
                | Q(date_precision__in=["month", "day", "exact"], starts_at__isnull=False),
                name="meetup_date_fits_its_precision",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(starts_at__isnull=False, ends_at__gt=F("starts_at")),
                name="meetup_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "starts_at"], name="meetup_by_time"),
            models.Index(fields=["chapter", "starts_at"], name="meetup_of_chapter"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("events:meetup", args=[self.slug])

    def is_past(self, at: dt.datetime) -> bool:
        """Whether it is over at ``at``, by the same rule as ``past()``."""
        if self.starts_at is None:
            return self.status == self.Status.CANCELLED
        end = self.ends_at or self.starts_at + ASSUMED_LENGTH[self.date_precision]
        return end <= at

    @property
    def when(self) -> When:
        """Its time on the wall clock of its own zone; moving the reader's zone changes nothing."""
        zone = ZoneInfo(self.time_zone)
        start = self.starts_at.astimezone(zone) if self.starts_at else None
        end = self.ends_at.astimezone(zone) if self.ends_at else None
        return When(
            precision=self.date_precision,
            start=start.replace(tzinfo=None) if start else None,
            end=end.replace(tzinfo=None) if end else None,
            zone=_abbreviation(start) if start else "",
            stamp=_stamp(start, self.date_precision) if start else "",
            end_stamp=_stamp(end, self.date_precision) if end else "",
        )


#: How long a meetup counts as running when it has no end: a month or a day for as long as it lasts.
ASSUMED_LENGTH = {
    Meetup.DatePrecision.EXACT.value: dt.timedelta(hours=4),
    Meetup.DatePrecision.DAY.value: dt.timedelta(days=1),
    Meetup.DatePrecision.MONTH.value: dt.timedelta(days=31),
}


def _over(at: dt.datetime) -> Q:
    over = Q(ends_at__isnull=False, ends_at__lte=at)
    over |= Q(starts_at__isnull=True, status=Meetup.Status.CANCELLED)
    for precision, length in ASSUMED_LENGTH.items():
        over |= Q(
            ends_at__isnull=True,
            starts_at__isnull=False,
            date_precision=precision,
            starts_at__lte=at - length,
        )
    return over


def _abbreviation(moment: dt.datetime) -> str:
    # Many zones have no letters in the IANA database, only an offset such as "+0530".
    name = moment.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def _stamp(moment: dt.datetime, precision: str) -> str:
    """HTML's <time datetime>: a month, a date, or a moment with its offset."""
    if precision == Meetup.DatePrecision.MONTH:
        return moment.strftime("%Y-%m")
    if precision == Meetup.DatePrecision.DAY:
        return moment.strftime("%Y-%m-%d")
    return moment.isoformat(timespec="minutes")
