"""Who comes to a meetup: one row per person, counted under the meetup's lock."""

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from events.models.meetups import Meetup
from events.models.people import OfPerson, new_code, of_somebody, once
from portal.accounts.models import User


class RsvpQuerySet(models.QuerySet["Rsvp"]):
    """Which sign-ups count for what."""

    def holding(self) -> "RsvpQuerySet":
        """Those that hold seats: who comes, and to whom a seat is offered."""
        return self.filter(status__in=Rsvp.HOLDING)

    def seats(self) -> int:
        """Seats of these rows: each person and their guests."""
        taken: int = self.aggregate(seats=Coalesce(Sum("guests"), 0) + Count("pk"))["seats"]
        return taken

    def waiting(self) -> "RsvpQuerySet":
        """The waitlist, the first first."""
        return self.filter(status=Rsvp.Status.WAITLISTED).order_by("queued_at", "pk")


class Rsvp(OfPerson):
    """What one person answered for one meetup. A seat is held while the status is in :attr:`HOLDING`."""

    class Status(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "Waiting for you to confirm by e-mail"
        GOING = "going", "Going"
        MAYBE = "maybe", "Maybe"
        WAITLISTED = "waitlisted", "On the waitlist"
        OFFERED = "offered", "A seat is offered"
        DECLINED = "declined", "Not coming"

    HOLDING = (Status.GOING, Status.OFFERED)

    meetup = models.ForeignKey(Meetup, on_delete=models.CASCADE, related_name="rsvps")
    status = models.CharField(max_length=12, choices=Status)
    wanted = models.CharField(
        max_length=12,
        choices=Status,
        default=Status.GOING,
        help_text="What an unconfirmed row becomes: going, or maybe.",
    )
    guests = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(
        default=timezone.now, help_text="Place in the waitlist. Kept until they leave or want more seats."
    )
    offer_expires_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=10, unique=True, default=new_code, help_text="Shown at the door.")
    checked_in_at = models.DateTimeField(null=True, blank=True)
    checked_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    hides_name = models.BooleanField(default=False, help_text="Others read “somebody”; organizers the name.")
    sponsor_consent = models.BooleanField(
        default=False, help_text="Sponsors of this meetup may be given the name and address."
    )
    reconfirmed_for = models.DateTimeField(
        null=True, blank=True, help_text="The start for which they said again that they come."
    )
    reconfirm_asked_for = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The start for which they were asked."
    )
    reconfirm_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[RsvpQuerySet] = RsvpQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs: as_manager

    class Meta:
        constraints = [
            of_somebody("rsvp_of_somebody"),
            *once("one_rsvp", "meetup"),
            models.CheckConstraint(
                condition=~Q(status="offered") | Q(offer_expires_at__isnull=False),
                name="offered_seat_expires",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True) | ~Q(status="unconfirmed"), name="member_needs_no_confirmation"
            ),
        ]
        indexes = [
            models.Index(fields=["meetup", "status", "queued_at"], name="rsvp_of_meetup"),
            models.Index(fields=["user", "status"], name="rsvp_of_member"),
            models.Index(
                fields=["offer_expires_at"], condition=Q(status="offered"), name="rsvp_offer_expires"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shown_name}: {self.get_status_display()}"

    @property
    def party(self) -> int:
        """Seats that it takes or wants."""
        return 1 + self.guests

    def is_offer_open(self, at: dt.datetime) -> bool:
        """Whether the offered seat can still be taken at ``at``."""
        return bool(
            self.status == self.Status.OFFERED and self.offer_expires_at and self.offer_expires_at > at
        )

    def name_for(self, reader: object) -> str:
        """The name as ``reader`` may read it; whoever hides it is nobody in particular."""
        hidden = self.hides_name and not (isinstance(reader, User) and reader.pk == self.user_id)
        return "Somebody" if hidden else self.shown_name


class Question(models.Model):
    """Something that a meetup asks whoever signs up. A need is counted on the page: “31 of 40 have …”."""

    class Kind(models.TextChoices):
        TEXT = "text", "A line of text"
        YES_NO = "yes_no", "Yes or no"
        CHOICE = "choice", "One of several"

    meetup = models.ForeignKey(Meetup, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(default=0)
    text = models.CharField(max_length=200)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.TEXT)
    choices = models.JSONField(default=list, blank=True, help_text="For one of several: their texts.")
    is_required = models.BooleanField(default=False)
    counted_as = models.CharField(
        max_length=120,
        blank=True,
        help_text="For yes or no, shown on the page: “have a machine with nested KVM”.",
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(counted_as="") | Q(kind="yes_no"), name="counted_question_is_yes_no"
            )
        ]

    def __str__(self) -> str:
        return self.text


class Answer(models.Model):
    """What one person answered to one question: free text, ``yes`` or ``no``, or one of the choices."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    rsvp = models.ForeignKey(Rsvp, on_delete=models.CASCADE, related_name="answers")
    text = models.CharField(max_length=500)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["question", "rsvp"], name="one_answer")]

    def __str__(self) -> str:
        return self.text
