"""Checked how-tos: blocks of approved text that became recipes, and what came of running them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kb.models.articles import Article
from kb.models.revisions import Revision


class Check(models.Model):
    """A fence marked ``check`` of one approved revision, as a recipe: templates and arguments, never shell."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Waiting for a lab maintainer"
        APPROVED = "approved", "Runs"
        REFUSED = "refused", "Refused"
        SUPERSEDED = "superseded", "Of an older revision"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="checks")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="checks")
    fence = models.CharField(max_length=64, help_text="SHA-256 of the fence's text and options, hex.")
    position = models.PositiveSmallIntegerField(help_text="Among the revision's marked fences, from 1.")
    recipe = models.JSONField(help_text="Steps: template and arguments each, with what is expected.")
    state = models.CharField(max_length=12, choices=State, default=State.PROPOSED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    next_run_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["article", "revision", "position"]
        permissions = [("approve_check", "Can let commands of articles run on lab hosts")]
        constraints = [
            models.UniqueConstraint(fields=["revision", "fence"], name="check_once_a_revision"),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(decided_at__isnull=False), name="approved_check_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.article_id} #{self.position}"


class CheckRun(models.Model):
    """One run of a check on one host."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passes"
        FAILED = "failed", "Fails"
        ERRORED = "errored", "Could not be run"

    check_of = models.ForeignKey(Check, on_delete=models.CASCADE, related_name="runs")
    host = models.CharField(max_length=60, help_text="Slug of the lab host, or of a tool's place.")
    version = models.CharField(max_length=60, blank=True, help_text="Such as QEMU 7.2.22.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    exit_code = models.SmallIntegerField(null=True, blank=True)
    output = models.TextField(blank=True, help_text="Bounded; volatile values masked.")
    difference = models.TextField(blank=True, help_text="What was expected and did not come.")
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-queued_at", "-pk"]
        indexes = [models.Index(fields=["check_of", "host", "-queued_at"], name="run_of_check")]
        constraints = [
            models.UniqueConstraint(
                fields=["check_of", "host"],
                condition=Q(state__in=["queued", "running"]),
                name="one_run_in_flight",
            )
        ]

    def __str__(self) -> str:
        return f"{self.check_of_id} on {self.host}: {self.state}"
