"""Votes on the date of a meetup."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from events.models.meetups import Meetup, When, new_ical_uid, when_there
from events.models.people import OfPerson, of_somebody, once


class DatePoll(models.Model):
    """A vote on a meetup's date. Closing it sets the date and turns the yes-votes into seats, in vote order."""

    meetup = models.ForeignKey(Meetup, on_delete=models.CASCADE, related_name="polls")
    closes_at = models.DateTimeField(
        null=True, blank=True, help_text="No votes after this. Empty: when closed."
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    chosen = models.ForeignKey(
        "DateOption", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meetup"], condition=Q(closed_at__isnull=True), name="one_open_poll"
            )
        ]

    def __str__(self) -> str:
        return f"Date of {self.meetup}"

    @property
    def ends_when(self) -> When:
        """The end of the vote on the wall clock of the meetup's zone."""
        return when_there(self.closes_at, None, Meetup.DatePrecision.EXACT, self.meetup.time_zone)

    def takes_votes(self, at: dt.datetime) -> bool:
        """Whether a vote counts at ``at``."""
        return self.closed_at is None and (self.closes_at is None or self.closes_at > at)


class DateOption(models.Model):
    """One date to vote on."""

    poll = models.ForeignKey(DatePoll, on_delete=models.CASCADE, related_name="options")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ical_uid = models.CharField(max_length=255, unique=True, default=new_ical_uid, editable=False)

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="option_ends_after_it_starts"
            ),
            models.UniqueConstraint(fields=["poll", "starts_at"], name="option_once"),
        ]

    def __str__(self) -> str:
        return self.starts_at.isoformat()

    @property
    def time_zone(self) -> str:
        """That of the meetup."""
        return self.poll.meetup.time_zone

    @property
    def when(self) -> When:
        """Its time on the wall clock of the meetup's zone."""
        return when_there(self.starts_at, self.ends_at, Meetup.DatePrecision.EXACT, self.time_zone)


class DateBallot(OfPerson):
    """One person's votes in a poll. Without an account they count once the address is confirmed."""

    poll = models.ForeignKey(DatePoll, on_delete=models.CASCADE, related_name="ballots")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    hides_name = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [of_somebody("ballot_of_somebody"), *once("one_ballot", "poll")]

    def __str__(self) -> str:
        return f"{self.shown_name} on {self.poll}"


class DateVote(models.Model):
    """What one person says to one date."""

    class Choice(models.TextChoices):
        YES = "yes", "Yes"
        IF_NEED_BE = "if_need_be", "If need be"
        NO = "no", "No"

    ballot = models.ForeignKey(DateBallot, on_delete=models.CASCADE, related_name="votes")
    option = models.ForeignKey(DateOption, on_delete=models.CASCADE, related_name="votes")
    choice = models.CharField(max_length=10, choices=Choice)
    voted_at = models.DateTimeField(
        default=timezone.now, help_text="When this choice was made: the order in which yes-votes get seats."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ballot", "option"], name="one_vote")]
        indexes = [models.Index(fields=["option", "choice", "voted_at"], name="votes_in_order")]

    def __str__(self) -> str:
        return self.get_choice_display()
