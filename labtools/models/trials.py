"""Trials of vHBA plans on libvirt's test driver."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User


class VhbaTrialQuerySet(models.QuerySet["VhbaTrial"]):
    """Which trials belong to whom, and which still run."""

    def visible_to(self, user: object) -> "VhbaTrialQuerySet":
        """A trial is seen by whoever asked for it."""
        return self.filter(owner=user) if isinstance(user, User) else self.none()

    def working(self) -> "VhbaTrialQuerySet":
        """Trials that have not come to their end."""
        return self.filter(state__in=VhbaTrial.WORKING)


class VhbaTrial(models.Model):
    """One plan on its way through libvirt's test driver, and what libvirt answered.

    The plan is kept as the wizard's fields, and the worker makes it again. ``result`` is a ``labhost.npiv.Trial``
    as JSON.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"
        ERRORED = "errored", "Broken"

    WORKING = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="vhba_trials")
    parent = models.CharField(max_length=400, help_text="The HBA as labhost.npiv.pack_hba writes it.")
    fields = models.JSONField(help_text="What was chosen, by the wizard's field names.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    failure = models.TextField(blank=True, help_text="A sentence for the person.")

    objects = VhbaTrialQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="finished", result__isnull=False)
                | ~Q(state="finished") & Q(result__isnull=True),
                name="finished_trial_has_result",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "errored"]) | ~Q(failure=""), name="failed_trial_says_why"
            ),
            # One at a time for each member: a second request is given the first.
            models.UniqueConstraint(
                fields=["owner"], condition=Q(state__in=["queued", "running"]), name="one_working_trial"
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="vhba_trial_due")]

    def __str__(self) -> str:
        return f"trial {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("labtools:npiv_trial", args=[self.pk])

    @property
    def is_working(self) -> bool:
        """Whether its end is still to come."""
        return self.state in self.WORKING
