"""What many people are to be told: the promise that everybody gets their mail, kept beside the mails themselves."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from events.models.meetups import Announcement, Meetup


class MailRound(models.Model):
    """One event of which many are told, and how far that has come.

    Pieces of it are done by a worker, one at a time: ``stage`` is the audience and ``cursor`` the last row of it that
    was dealt with, so a piece that is lost or done twice changes nothing. Not ended and due: beat sees to it.
    """

    class Event(models.TextChoices):
        NEW_MEETUP = "new_meetup", "New meetup"
        DATE_DECIDED = "date_decided", "Date decided"
        CHANGED = "changed", "Changed"
        CANCELLED = "cancelled", "Cancelled"
        ANNOUNCEMENT = "announcement", "Message of an organizer"
        REMINDER = "reminder", "Reminder"
        DIGEST = "digest", "Weekly summary"

    event = models.CharField(max_length=12, choices=Event)
    key = models.CharField(max_length=120, unique=True, help_text="Names the event; it makes one round only.")
    meetup = models.ForeignKey(
        Meetup, on_delete=models.CASCADE, null=True, blank=True, related_name="mail_rounds"
    )
    announcement = models.ForeignKey(
        Announcement, on_delete=models.CASCADE, null=True, blank=True, related_name="mail_rounds"
    )
    detail = models.JSONField(default=dict, blank=True, help_text="What changed, and what it was before.")
    stage = models.PositiveSmallIntegerField(default=0)
    cursor = models.PositiveBigIntegerField(default=0)
    queued = models.PositiveIntegerField(default=0, help_text="Mails so far.")
    due_at = models.DateTimeField(help_text="Not before this: an organizer may still be changing things.")
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text="A worker has a piece of it in hand."
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[models.Manager["MailRound"]] = models.Manager()

    class Meta:
        ordering = [F("created_at").desc(), "-pk"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(finished_at__isnull=True), name="mail_round_due")
        ]

    def __str__(self) -> str:
        return self.key
