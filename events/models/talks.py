"""Talks and who gives them, at meetups and at conferences; their slides and recordings; trip reports."""

from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from events.models.chapters import Chapter, ChapterMembership
from events.models.meetups import Meetup
from portal.accounts.models import User, validate_time_zone


class SpeakerQuerySet(models.QuerySet["Speaker"]):
    """Whose page is shown."""

    def visible_to(self, user: object) -> "SpeakerQuerySet":
        """Speakers of a talk that ``user`` may see; staff see all, and members their own page."""
        if isinstance(user, User) and user.is_staff:
            return self.all()
        seen = TalkSpeaker.objects.filter(talk__in=Talk.objects.visible_to(user).order_by().values("pk"))
        shown = Q(pk__in=seen.values("speaker"))
        return self.filter(shown | Q(user=user)) if isinstance(user, User) else self.filter(shown)


class Speaker(models.Model):
    """Somebody who gives talks; known by name, perhaps without an account."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=80)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="speaker"
    )
    affiliation = models.CharField(max_length=120, blank=True, help_text="Today's; a talk keeps its own.")
    bio = models.TextField(blank=True, max_length=2000, help_text="Plain text.")

    objects: ClassVar[SpeakerQuerySet] = SpeakerQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("events:speaker", args=[self.slug])


class SpeakerClaim(models.Model):
    """A member who says that a speaker's page is about them. Somebody who knows them decides."""

    class Status(models.TextChoices):
        OPEN = "open", "Waiting"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"

    speaker = models.ForeignKey(Speaker, on_delete=models.CASCADE, related_name="claims")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="speaker_claims"
    )
    text = models.TextField(max_length=1000, help_text="How others can see that it is you.")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["speaker", "user"], condition=Q(status="open"), name="one_open_claim_of_speaker"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.speaker}"


class TalkQuerySet(models.QuerySet["Talk"]):
    """Who may read which talks."""

    def visible_to(self, user: object) -> "TalkQuerySet":
        """Accepted talks; one's own; those proposed to a chapter that ``user`` leads; for staff all."""
        public = Q(sessions__status=Session.Status.ACCEPTED)
        if not isinstance(user, User):
            return self.filter(public).distinct()
        if user.is_staff:
            return self.all()
        led = ChapterMembership.objects.filter(user=user).leading().current(timezone.localdate())
        own = Q(proposed_by=user) | Q(speakers__user=user)
        return self.filter(public | own | Q(sessions__chapter__in=led.values("chapter"))).distinct()


class Talk(models.Model):
    """What somebody has to say; it can be given more than once."""

    slug = models.SlugField(max_length=100, unique=True)
    title = models.CharField(max_length=160)
    abstract = models.TextField(blank=True, help_text="Plain text; an empty line starts a paragraph.")
    topic = models.CharField(max_length=60, blank=True, help_text="In a word or two: migration, block layer.")
    speakers = models.ManyToManyField(Speaker, through="TalkSpeaker", related_name="talks", blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="talks"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[TalkQuerySet] = TalkQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("events:talk", args=[self.slug])


class TalkSpeaker(models.Model):
    """That somebody gives a talk, and where they worked then."""

    talk = models.ForeignKey(Talk, on_delete=models.CASCADE, related_name="speaking")
    speaker = models.ForeignKey(Speaker, on_delete=models.CASCADE, related_name="speaking")
    position = models.PositiveSmallIntegerField(default=0)
    affiliation = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["talk", "speaker"], name="speaker_once_per_talk")]

    def __str__(self) -> str:
        return f"{self.speaker}: {self.talk}"


class Conference(models.Model):
    """A conference with days and tracks, which members travelled to."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    city = models.CharField(max_length=80)
    country = models.CharField(max_length=80)
    year = models.PositiveSmallIntegerField()
    starts_on = models.DateField(null=True, blank=True, help_text="Empty: only the year is known.")
    ends_on = models.DateField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    website = models.URLField(blank=True, max_length=500)
    description = models.TextField(blank=True, help_text="Plain text.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-year", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
                name="conference_ends_after_it_starts",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("events:conference", args=[self.slug])


class ConferenceDay(models.Model):
    """One day of a conference; its date may not be known."""

    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="days")
    number = models.PositiveSmallIntegerField()
    date = models.DateField(null=True, blank=True)
    title = models.CharField(max_length=120, blank=True, help_text="What the day was about.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["conference", "number"], name="conference_day_once")]

    def __str__(self) -> str:
        return f"Day {self.number} of {self.conference}"


class Track(models.Model):
    """Sessions that run beside those of other tracks."""

    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="tracks")
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["conference", "name"], name="track_once")]

    def __str__(self) -> str:
        return self.name


class SessionQuerySet(models.QuerySet["Session"]):
    """Which sessions readers see."""

    def accepted(self) -> "SessionQuerySet":
        """Sessions that take place or took place."""
        return self.filter(status=Session.Status.ACCEPTED)


class Session(models.Model):
    """A talk at a chapter (once scheduled: at one of its meetups) or on a day of a conference."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Kind(models.TextChoices):
        TALK = "talk", "Talk"
        KEYNOTE = "keynote", "Keynote"
        LIGHTNING = "lightning", "Lightning talk"
        WORKSHOP = "workshop", "Workshop"
        DISCUSSION = "discussion", "Discussion"

    talk = models.ForeignKey(Talk, on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TALK)
    chapter = models.ForeignKey(
        Chapter, on_delete=models.CASCADE, null=True, blank=True, related_name="sessions"
    )
    meetup = models.ForeignKey(
        Meetup, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions"
    )
    day = models.ForeignKey(
        ConferenceDay, on_delete=models.CASCADE, null=True, blank=True, related_name="sessions"
    )
    track = models.ForeignKey(
        Track, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PROPOSED)
    position = models.PositiveSmallIntegerField(default=0)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="To the organizers, from whoever proposes it.")
    reason = models.TextField(blank=True, help_text="Of the decision; the speaker reads it.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[SessionQuerySet] = SessionQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(chapter__isnull=False, day__isnull=True, track__isnull=True)
                | Q(chapter__isnull=True, meetup__isnull=True, day__isnull=False),
                name="session_at_chapter_or_conference",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(starts_at__isnull=False, ends_at__gt=F("starts_at")),
                name="session_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return str(self.talk)

    @property
    def is_open(self) -> bool:
        """Whether it is proposed or taken on: what can be withdrawn."""
        return self.status in (self.Status.PROPOSED, self.Status.ACCEPTED)


class Resource(models.Model):
    """Slides, a recording or code of a talk: a link, and what is known about its condition."""

    class Kind(models.TextChoices):
        SLIDES = "slides", "Slides"
        VIDEO = "video", "Video"
        CODE = "code", "Code"
        NOTES = "notes", "Notes"

    class Condition(models.TextChoices):
        GOOD = "good", "Good"
        DAMAGED = "damaged", "Damaged"
        MISSING = "missing", "Missing"

    class Alive(models.TextChoices):
        UNKNOWN = "unknown", "Not checked yet"
        YES = "yes", "Answers"
        NO = "no", "Does not answer"

    talk = models.ForeignKey(Talk, on_delete=models.CASCADE, related_name="resources")
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, null=True, blank=True, related_name="resources"
    )
    kind = models.CharField(max_length=6, choices=Kind)
    url = models.URLField(
        blank=True,
        max_length=500,
        help_text="Empty: no copy is known.",
        validators=[URLValidator(schemes=["http", "https"])],
    )
    condition = models.CharField(max_length=8, choices=Condition, default=Condition.GOOD)
    note = models.CharField(max_length=200, blank=True, help_text="Such as: the sound is broken.")
    alive = models.CharField(max_length=8, choices=Alive, default=Alive.UNKNOWN, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_result = models.CharField(
        max_length=200, blank=True, editable=False, help_text="HTTP 404, timed out."
    )
    failures = models.PositiveSmallIntegerField(default=0, editable=False, help_text="In a row.")
    failing_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The first of those failures."
    )
    next_check_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Empty: at once.")

    class Meta:
        ordering = ["kind", "pk"]
        indexes = [models.Index(fields=["next_check_at"], name="resource_by_next_check")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.talk}"

    @property
    def host(self) -> str:
        """The host's name, so that readers know where a link leads."""
        return urlsplit(self.url).hostname or ""

    @property
    def sentence(self) -> str:
        """Its condition in words, without the note."""
        what = "recording" if self.kind == self.Kind.VIDEO else self.get_kind_display().lower()
        is_plural = self.kind in (self.Kind.SLIDES, self.Kind.NOTES)
        if self.condition == self.Condition.MISSING:
            return f"No {what} {'are' if is_plural else 'is'} known."
        there = f"There {'are' if is_plural else 'is a'} {what}"
        if not self.url:
            return f"{there}, but no address of {'them' if is_plural else 'it'} is known."
        return f"The {what} {'are' if is_plural else 'is'} damaged." if self.is_damaged else ""

    @property
    def is_damaged(self) -> bool:
        """Whether it is there and something is wrong with it."""
        return self.condition == self.Condition.DAMAGED


class TripReportQuerySet(models.QuerySet["TripReport"]):
    """Who may read which trip reports."""

    def visible_to(self, user: object) -> "TripReportQuerySet":
        """Published ones; a draft is there for its author alone."""
        published = Q(published_at__isnull=False)
        return self.filter(published | Q(author=user)) if isinstance(user, User) else self.filter(published)


class TripReport(models.Model):
    """What somebody brought home from a conference; its entries point at the sessions of the schedule."""

    conference = models.ForeignKey(Conference, on_delete=models.CASCADE, related_name="trip_reports")
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=160)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="trip_reports",
    )
    author_name = models.CharField(max_length=80, blank=True, help_text="For somebody without an account.")
    introduction = models.TextField(blank=True, help_text="Plain text.")
    published_at = models.DateTimeField(null=True, blank=True, help_text="Empty: a draft of its author.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[TripReportQuerySet] = TripReportQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

    class Meta:
        ordering = [F("published_at").desc(nulls_first=True), "pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("events:trip_report", args=[self.slug])

    @property
    def shown_author(self) -> str:
        """What readers see; an erased member's report stays without their name."""
        return self.author.name if self.author else self.author_name or "A member of the community"


class TripReportEntry(models.Model):
    """What the author writes about one session."""

    report = models.ForeignKey(TripReport, on_delete=models.CASCADE, related_name="entries")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="trip_entries")
    text = models.TextField(help_text="Plain text.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "session"], name="one_entry_per_session")]

    def __str__(self) -> str:
        return self.text[:60]
