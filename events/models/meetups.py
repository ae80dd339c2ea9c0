"""Meetups, from an idea without a date to one that is over; their places, series and co-hosts."""

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

from events.models.chapters import Chapter, ChapterMembership
from portal.accounts.models import User, validate_time_zone


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


def when_there(starts_at: dt.datetime | None, ends_at: dt.datetime | None, precision: str, zone: str) -> When:
    """These moments on the wall clock of ``zone``, shown as exactly as ``precision`` says."""
    place = ZoneInfo(zone)
    start = starts_at.astimezone(place) if starts_at else None
    end = ends_at.astimezone(place) if ends_at else None
    return When(
        precision=precision,
        start=start.replace(tzinfo=None) if start else None,
        end=end.replace(tzinfo=None) if end else None,
        zone=_abbreviation(start) if start else "",
        stamp=_stamp(start, precision) if start else "",
        end_stamp=_stamp(end, precision) if end else "",
    )


def new_ical_uid() -> str:
    """An iCalendar UID for a new meetup: a random UUID, as RFC 7986 section 5.3 recommends. Never changes."""
    return str(uuid.uuid4())


class Venue(models.Model):
    """A place where a chapter meets, kept so that the next meetup there need not describe it again."""

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="venues")
    name = models.CharField(max_length=120)
    address = models.TextField(blank=True, max_length=500)
    accessibility = models.TextField(
        blank=True,
        max_length=1000,
        help_text="Steps, lift, doors, toilets, hearing loop, parking, transport.",
    )
    map_url = models.URLField(blank=True, max_length=500, help_text="A link to a map.")
    latitude = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True, help_text="WGS 84.")
    longitude = models.DecimalField(
        max_digits=8, decimal_places=5, null=True, blank=True, help_text="WGS 84."
    )
    room_for = models.PositiveIntegerField(null=True, blank=True, help_text="People it holds.")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
                name="venue_coordinates_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def map_address(self) -> str:
        """A link to a map: the one that organizers gave, or by coordinates to OpenStreetMap; empty where neither is."""
        if self.map_url.startswith("https://"):
            return self.map_url
        if self.latitude is None or self.longitude is None:
            return ""
        north, east = self.latitude, self.longitude
        return f"https://www.openstreetmap.org/?mlat={north}&mlon={east}#map=17/{north}/{east}"


class Topic(models.Model):
    """What meetups are about, in a word or two; for finding them."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MeetupSeries(models.Model):
    """Meetups that repeat. Its occurrences are real meetups, made ahead of time, and each can be edited alone."""

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="series")
    title = models.CharField(max_length=120)
    rule = models.CharField(max_length=200, help_text="RFC 5545 RRULE, such as FREQ=MONTHLY;BYDAY=2SA.")
    starts_on = models.DateField(help_text="First day, on the wall calendar of the zone.")
    starts_at_time = models.TimeField(help_text="Wall-clock time; it stays when the clocks change.")
    minutes = models.PositiveIntegerField(default=120)
    time_zone = models.CharField(max_length=64, default="Asia/Kolkata", validators=[validate_time_zone])
    until = models.DateField(null=True, blank=True, help_text="Last day. Empty: it goes on.")
    made_until = models.DateField(
        null=True, blank=True, editable=False, help_text="Up to this day its meetups were made, once."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "meetup series"
        constraints = [
            models.CheckConstraint(condition=Q(minutes__range=(1, 14 * 24 * 60)), name="series_length_sane")
        ]

    def __str__(self) -> str:
        return self.title


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

    def online(self) -> "MeetupQuerySet":
        """Those that one can attend from anywhere."""
        return self.filter(mode__in=[Meetup.Mode.ONLINE, Meetup.Mode.HYBRID])

    def of_chapter(self, chapter: Chapter) -> "MeetupQuerySet":
        """Those that ``chapter`` holds, alone or, having agreed, together with another."""
        agreed = CoHost.objects.filter(chapter=chapter, status=CoHost.Status.ACCEPTED)
        return self.filter(Q(chapter=chapter) | Q(pk__in=agreed.values("meetup")))

    def upcoming(self, *, at: dt.datetime) -> "MeetupQuerySet":
        """Meetups that are not over at ``at``; one without a date is to come until it is cancelled."""
        open_date = Q(starts_at__isnull=True) & ~Q(status=Meetup.Status.CANCELLED)
        # The first part is implied by the second, but an index can answer it.
        dated = Q(starts_at__gt=at - LONGEST) & _ends(at, "gt")
        found = self.filter(open_date | dated)
        return found.order_by(F("starts_at").asc(nulls_last=True), "chapter__city", "pk")

    def past(self, *, at: dt.datetime) -> "MeetupQuerySet":
        """Meetups that are over at ``at``, the latest first; and cancelled ones that never had a date."""
        never_dated = Q(starts_at__isnull=True, status=Meetup.Status.CANCELLED)
        found = self.filter(never_dated | (Q(starts_at__lte=at) & _ends(at, "lte")))
        return found.order_by(F("starts_at").desc(nulls_last=True), "-pk")


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

    class Waitlist(models.TextChoices):
        AUTO = "auto", "The next who fits gets a free seat at once"
        OFFER = "offer", "The next who fits is offered a free seat for some hours"
        OFF = "off", "No waitlist"

    chapter = models.ForeignKey(Chapter, on_delete=models.PROTECT, related_name="meetups")
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=200, blank=True, help_text="One sentence for lists.")
    description = models.TextField(blank=True, help_text="Plain text; an empty line starts a paragraph.")
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.IN_PERSON)
    topics = models.ManyToManyField(Topic, blank=True, related_name="meetups")
    venue = models.ForeignKey(Venue, on_delete=models.SET_NULL, null=True, blank=True, related_name="meetups")
    venue_notes = models.TextField(
        blank=True, help_text="How to get in, on which floor; or the whole place in words. Plain text."
    )
    online_url = models.URLField(
        blank=True, max_length=500, help_text="Shown only to those who come, and in no shared feed."
    )
    time_zone = models.CharField(max_length=64, default="Asia/Kolkata", validators=[validate_time_zone])
    starts_at = models.DateTimeField(
        null=True, blank=True, help_text="For a month or a day alone: its first moment in the meetup's zone."
    )
    ends_at = models.DateTimeField(null=True, blank=True)
    date_precision = models.CharField(max_length=5, choices=DatePrecision, default=DatePrecision.NONE)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    ical_uid = models.CharField(max_length=255, unique=True, default=new_ical_uid, editable=False)
    ical_sequence = models.PositiveIntegerField(default=0, editable=False, help_text="RFC 5545 SEQUENCE.")
    series = models.ForeignKey(
        MeetupSeries, on_delete=models.SET_NULL, null=True, blank=True, related_name="meetups"
    )
    series_day = models.DateField(
        null=True, blank=True, editable=False, help_text="The day that the rule gave; kept when it is moved."
    )
    is_detached = models.BooleanField(
        default=False, editable=False, help_text="Edited alone: changes to the series leave it as it is."
    )
    source = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Where it was imported from: meetup.com:123456"
    )
    # --- seats
    takes_rsvps = models.BooleanField(default=True, help_text="Whether people can sign up here.")
    capacity = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seats, guests included. Empty: no limit."
    )
    waitlist = models.CharField(max_length=5, choices=Waitlist, default=Waitlist.AUTO)
    offer_hours = models.PositiveSmallIntegerField(
        default=24, help_text="How long a seat that is offered is held."
    )
    guests_allowed = models.PositiveSmallIntegerField(
        default=0, help_text="Guests that each person may bring."
    )
    registration_opens_at = models.DateTimeField(null=True, blank=True)
    registration_closes_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: when the meetup starts."
    )
    asks_reconfirmation = models.BooleanField(
        default=False, help_text="48 hours before, everybody is asked whether they still come."
    )
    lock_version = models.PositiveBigIntegerField(
        default=0,
        editable=False,
        help_text="Raised first in every transaction that changes seats: a row lock.",
    )
    # --- after it
    recap = models.TextField(blank=True, help_text="How it was. Plain text.")
    recap_path = models.CharField(
        max_length=200, blank=True, help_text="Address here of an article that tells more: /kb/…/"
    )
    cancel_reason = models.TextField(blank=True, help_text="Everybody who signed up reads it.")
    announced_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When followers of the chapter were told."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="Last change that a calendar or a reader would see."
    )

    objects: ClassVar[MeetupQuerySet] = MeetupQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

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
            models.CheckConstraint(
                condition=Q(registration_opens_at__isnull=True)
                | Q(registration_closes_at__isnull=True)
                | Q(registration_closes_at__gt=F("registration_opens_at")),
                name="meetup_registration_closes_after_it_opens",
            ),
            models.UniqueConstraint(
                fields=["series", "series_day"],
                condition=Q(series__isnull=False, series_day__isnull=False),
                name="one_meetup_per_day_of_series",
            ),
            models.UniqueConstraint(fields=["source"], condition=~Q(source=""), name="meetup_imported_once"),
        ]
        indexes = [
            models.Index(fields=["status", "starts_at"], name="meetup_by_time"),
            # Everything that tells past from to come, so that counting them reads no rows.
            models.Index(
                fields=["chapter", "starts_at", "ends_at", "date_precision", "status"],
                name="meetup_of_chapter",
            ),
            models.Index(
                fields=["starts_at", "ends_at", "date_precision", "status"], name="meetup_past_or_to_come"
            ),
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
        return when_there(self.starts_at, self.ends_at, self.date_precision, self.time_zone)


#: How long a meetup counts as running when it has no end: a month or a day for as long as it lasts.
ASSUMED_LENGTH = {
    Meetup.DatePrecision.EXACT.value: dt.timedelta(hours=4),
    Meetup.DatePrecision.DAY.value: dt.timedelta(days=1),
    Meetup.DatePrecision.MONTH.value: dt.timedelta(days=31),
}


#: No meetup lasts longer; what does is several.
LONGEST = dt.timedelta(days=31)


def _ends(at: dt.datetime, comparison: str) -> Q:
    """Of meetups that have a date: those whose end, told or assumed, compares so (``gt``, ``lte``) with ``at``."""
    ends = Q(**{f"ends_at__{comparison}": at})
    for precision, length in ASSUMED_LENGTH.items():
        ends |= Q(ends_at__isnull=True, date_precision=precision, **{f"starts_at__{comparison}": at - length})
    return ends


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


class CoHost(models.Model):
    """Another chapter that holds a meetup together with its own. It shows once that chapter has agreed."""

    class Status(models.TextChoices):
        ASKED = "asked", "Asked"
        ACCEPTED = "accepted", "Agreed"
        DECLINED = "declined", "Declined"

    meetup = models.ForeignKey(Meetup, on_delete=models.CASCADE, related_name="co_hosts")
    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="co_hosted")
    status = models.CharField(max_length=10, choices=Status, default=Status.ASKED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["meetup", "chapter"], name="co_host_once")]

    def __str__(self) -> str:
        return f"{self.chapter} with {self.meetup}"


class Photo(models.Model):
    """A picture of a meetup, re-encoded by us, with a description for those who do not see it."""

    meetup = models.ForeignKey(Meetup, on_delete=models.CASCADE, related_name="photos")
    image = models.ImageField(
        upload_to="photos/%Y/%m/", width_field="width", height_field="height", max_length=200
    )
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)
    alt = models.CharField(max_length=250, help_text="What it shows, for those who do not see it.")
    has_consent = models.BooleanField(
        default=False, help_text="Everybody who can be recognised agreed to its being shown here."
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(has_consent=True), name="photo_has_consent"),
            models.CheckConstraint(condition=~Q(alt=""), name="photo_has_description"),
        ]

    def __str__(self) -> str:
        return self.alt


class Announcement(models.Model):
    """A message from an organizer to those who come to a meetup, or to those who follow a chapter."""

    class Audience(models.TextChoices):
        GOING = "going", "Everybody who comes"
        ALL = "all", "Everybody who signed up, those who wait included"
        FOLLOWERS = "followers", "Everybody who follows the chapter"

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="announcements")
    meetup = models.ForeignKey(
        Meetup, on_delete=models.CASCADE, null=True, blank=True, related_name="announcements"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    audience = models.CharField(max_length=10, choices=Audience, default=Audience.GOING)
    subject = models.CharField(max_length=120)
    text = models.TextField(max_length=5000)
    is_public = models.BooleanField(
        default=False, help_text="Anybody may read it, on the meetup's or the chapter's page."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.subject
