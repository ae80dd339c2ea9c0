"""What keeps a community safe and its organizers accountable."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from events.models.chapters import Chapter
from events.models.meetups import Meetup
from events.models.people import OfPerson, of_somebody, once


class AuditLog(models.Model):
    """One act of an organizer. Written with the change, never changed afterwards."""

    chapter = models.ForeignKey(Chapter, on_delete=models.SET_NULL, null=True, related_name="acts")
    meetup = models.ForeignKey(Meetup, on_delete=models.SET_NULL, null=True, blank=True, related_name="acts")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    act = models.CharField(max_length=40, help_text="A verb and a noun: cancel_meetup, accept_application.")
    detail: Any = models.JSONField(default=dict, blank=True, help_text="What changed; no mail addresses.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["chapter", "-created_at"], name="acts_of_chapter")]

    def __str__(self) -> str:
        return self.act

    @property
    def words(self) -> str:
        """The act as people read it, with the fields that changed: “Change meetup: capacity, title”."""
        fields = self.detail.get("fields", []) if isinstance(self.detail, dict) else []
        named = ", ".join(str(field).replace("_", " ") for field in fields)
        return self.act.replace("_", " ").capitalize() + (f": {named}" if named else "")


class ProblemReport(models.Model):
    """Something that somebody saw or suffered, told to the people whom the chapter names."""

    class Status(models.TextChoices):
        NEW = "new", "New"
        IN_HAND = "in_hand", "In hand"
        CLOSED = "closed", "Closed"

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="problem_reports")
    meetup = models.ForeignKey(Meetup, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    contact = models.EmailField(blank=True, help_text="Where an answer may go. Empty: anonymous.")
    text = models.TextField(max_length=5000)
    kept_from = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        help_text="People who would read it otherwise, and whom it concerns.",
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.NEW)
    notes = models.TextField(blank=True, help_text="Of those who handle it.")
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="closed") | Q(closed_at__isnull=False), name="closed_report_has_time"
            )
        ]

    def __str__(self) -> str:
        return f"Report {self.pk} to {self.chapter}"


class Block(OfPerson):
    """Somebody who may not sign up to a chapter's meetups, nor vote or propose there."""

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="blocks")
    reason = models.CharField(max_length=500, blank=True, help_text="For the organizers.")
    blocked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [of_somebody("block_of_somebody"), *once("one_block", "chapter")]

    def __str__(self) -> str:
        return f"{self.shown_name} in {self.chapter}"


def new_calendar_token() -> str:
    """A secret for an address: 256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


class CalendarToken(models.Model):
    """The secret part of a member's own calendar address; a new one ends the old."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_token"
    )
    token = models.CharField(max_length=64, unique=True, default=new_calendar_token)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Calendar of {self.user}"
