"""Images: uploads on their way in, and their checks."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User


class Visibility(models.TextChoices):
    """Who may see a report, as its owner chooses."""

    PRIVATE = "private", "Private: only you"
    UNLISTED = "unlisted", "Unlisted: anyone with the link"
    PUBLIC = "public", "Public: listed for everyone"


class UploadQuerySet(models.QuerySet["Upload"]):
    """Which files on their way in belong to whom, and which have run out of time."""

    def visible_to(self, user: object) -> "UploadQuerySet":
        """An upload is seen by its owner alone; nobody else learns that it exists."""
        return self.filter(owner=user) if isinstance(user, User) else self.none()

    def receiving(self) -> "UploadQuerySet":
        """Uploads that still wait for bytes."""
        return self.filter(state=Upload.State.RECEIVING)

    def expired(self, *, at: datetime) -> "UploadQuerySet":
        """Unfinished uploads whose time had run out ``at`` that moment."""
        return self.receiving().filter(expires_at__lte=at)


class Upload(models.Model):
    """One file on its way in by tus 1.0.0; its bytes lie in ``UPLOAD_DIR/<id>``, never under the sender's name."""

    class State(models.TextChoices):
        RECEIVING = "receiving", "Receiving"
        COMPLETE = "complete", "Complete"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    filename = models.CharField(
        max_length=255, blank=True, help_text="As the sender calls it; shown, never opened."
    )
    length = models.PositiveBigIntegerField(help_text="Upload-Length in bytes, declared at creation.")
    offset = models.PositiveBigIntegerField(default=0, help_text="Upload-Offset: bytes written to the file.")
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVING)
    visibility = models.CharField(
        max_length=10, choices=Visibility, default=Visibility.UNLISTED, help_text="Of the report to come."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(offset__lte=F("length")), name="upload_offset_within_length"),
            models.CheckConstraint(
                condition=~Q(state="complete") | Q(offset=F("length")), name="complete_upload_has_every_byte"
            ),
        ]
        indexes = [models.Index(fields=["state", "expires_at"], name="upload_expiry")]

    def __str__(self) -> str:
        return self.filename or str(self.id)

    @property
    def is_complete(self) -> bool:
        """Whether every declared byte has arrived."""
        return self.state == self.State.COMPLETE

    @property
    def percent(self) -> int:
        """How much has arrived, rounded down so that 100 means all of it."""
        return self.offset * 100 // self.length if self.length else 100

    def is_expired(self, *, at: datetime) -> bool:
        """Whether its time had run out ``at`` that moment; a complete upload never expires."""
        return not self.is_complete and self.expires_at <= at


class ImageCheckQuerySet(models.QuerySet["ImageCheck"]):
    """Who may see which report."""

    def visible_to(self, user: object) -> "ImageCheckQuerySet":
        """Reports that ``user`` may open by their link: public and unlisted ones, samples, and one's own."""
        seen = Q(visibility__in=[ImageCheck.Visibility.PUBLIC, ImageCheck.Visibility.UNLISTED])
        if isinstance(user, User):
            seen |= Q(owner=user)
        return self.filter(seen)

    def listed(self) -> "ImageCheckQuerySet":
        """Reports that anybody may find in a list."""
        return self.filter(visibility=ImageCheck.Visibility.PUBLIC)


class ImageCheck(models.Model):
    """The integrity check of one image: the promise (QUEUED), the work, and the report that stays."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"  # expected trouble; `failure` says what, in the person's words
        ERRORED = "errored", "Errored"  # a bug of ours; the log has it whole

    class Stage(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        HASHING = "hashing", "Computing SHA-256"
        HEADER = "header", "Reading the header"
        READING = "reading", "Reading the tables"
        INFO = "info", "Asking qemu-img info"
        CHECK = "check", "Running qemu-img check"
        DONE = "done", "Done"

    Visibility = Visibility

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="image_checks"
    )
    upload = models.OneToOneField(
        Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="image_check"
    )
    sample = models.CharField(
        max_length=20, blank=True, help_text="Which ready sample this is of; empty for a member's own image."
    )
    filename = models.CharField(max_length=255, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.UNLISTED)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.WAITING)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Of the present stage, in percent.")
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    delete_after = models.DateTimeField(null=True, blank=True, help_text="Empty: kept.")
    length = models.PositiveBigIntegerField(default=0, help_text="Of the file, in bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    verdict = models.CharField(max_length=20, blank=True)
    failure = models.TextField(blank=True, help_text="One sentence for the person when the check FAILED.")
    result = models.JSONField(
        null=True, blank=True, help_text="The report, versioned by its own `format` number."
    )

    objects = ImageCheckQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sample"], condition=~Q(sample=""), name="one_check_per_sample"),
            models.CheckConstraint(
                condition=~Q(state="finished") | Q(result__isnull=False), name="finished_check_has_result"
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(heartbeat_at__isnull=False),
                name="running_check_has_heartbeat",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "errored"]) | ~Q(failure=""), name="failed_check_says_why"
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False, sample="") | (Q(owner__isnull=True) & ~Q(sample="")),
                name="check_of_member_or_sample",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "heartbeat_at"], name="image_check_work"),
            models.Index(fields=["owner", "-created_at"], name="image_check_of_owner"),
            models.Index(fields=["delete_after"], name="image_check_retention"),
        ]

    def __str__(self) -> str:
        return self.filename or str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("labtools:report", args=[self.pk])

    @property
    def is_working(self) -> bool:
        """Whether the page should ask again."""
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    def is_owned_by(self, user: object) -> bool:
        """Whether ``user`` may change and delete it. Samples belong to nobody."""
        return isinstance(user, User) and self.owner_id == user.pk


class ImageAtlas(models.Model):
    """The map of a checked image, as :func:`labtools.qcow2.read_atlas` reads it. It goes with its check."""

    image_check = models.OneToOneField(
        ImageCheck, on_delete=models.CASCADE, primary_key=True, related_name="atlas"
    )
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"Map of {self.image_check_id}"


class RepairPatch(models.Model):
    """What a repair of an image would write, packed for ``apply-patch``; kept and deleted with its report."""

    image_check = models.OneToOneField(
        ImageCheck, on_delete=models.CASCADE, primary_key=True, related_name="repair_patch"
    )
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"Patch for {self.image_check_id}"
