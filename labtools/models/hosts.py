"""Lab hosts: how they are reached, how asking them goes, and what was seen when."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from labtools.labhost import ssh_fields
from labtools.models.facts import Snapshot
from portal.accounts.models import User

#: Words that stand in the place of a host's slug in addresses.
RESERVED_SLUGS = frozenset({"add", "bring"})


class LabHostQuerySet(models.QuerySet["LabHost"]):
    """Which hosts a person may know of."""

    def visible_to(self, user: object) -> "LabHostQuerySet":
        """Public hosts for everyone; all of them for staff."""
        if isinstance(user, User) and user.is_active and user.is_staff:
            return self
        return self.filter(visibility=LabHost.Visibility.PUBLIC)

    def inventory_visible_to(self, user: object) -> "LabHostQuerySet":
        """Hosts whose WWNs, MACs and paths ``user`` may see: the demonstration for all, public ones for members."""
        if isinstance(user, User) and user.is_active:
            return self.visible_to(user)
        return self.filter(visibility=LabHost.Visibility.PUBLIC, transport=LabHost.Transport.DEMONSTRATION)

    def probed(self) -> "LabHostQuerySet":
        """Hosts that the workers ask; reference versions were measured once, with the project."""
        return self.filter(is_enabled=True).exclude(transport=LabHost.Transport.REFERENCE)


class LabHost(models.Model):
    """A host of the lab. Every part of how it is reached is a validated field: there is no URI that a person types."""

    class Transport(models.TextChoices):
        LOCAL = "local", "This machine"
        SSH = "ssh", "SSH with a forced command"
        DEMONSTRATION = "demonstration", "Demonstration (libvirt's test driver)"
        REFERENCE = "reference", "Reference version, measured with the project"

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Public: everyone sees what its QEMU can do"
        PRIVATE = "private", "Private: staff only"

    class ProbeState(models.TextChoices):
        IDLE = "idle", "Idle"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, max_length=2000)
    transport = models.CharField(max_length=15, choices=Transport)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PUBLIC)
    is_enabled = models.BooleanField(default=True, help_text="Whether the workers ask it.")
    position = models.PositiveSmallIntegerField(default=100, help_text="Among the columns; smaller is first.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    ssh_host = models.CharField(max_length=253, blank=True, help_text="Host name or IP address.")
    ssh_port = models.PositiveIntegerField(default=22)
    ssh_user = models.CharField(max_length=32, blank=True)
    ssh_key_name = models.CharField(
        max_length=60, blank=True, help_text="Name of a private key file of the workers; never its content."
    )
    ssh_host_key = models.CharField(
        max_length=1000, blank=True, help_text="The host's public key as known_hosts has it: type and base64."
    )

    probe_state = models.CharField(max_length=10, choices=ProbeState, default=ProbeState.IDLE)
    probe_number = models.PositiveIntegerField(
        default=0, help_text="Counts claims: whose result may be kept."
    )
    probe_started_at = models.DateTimeField(null=True, blank=True)
    next_probe_at = models.DateTimeField(default=timezone.now)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    last_failure = models.CharField(max_length=40, blank=True, help_text="Code of labhost.transport.")
    last_failure_words = models.TextField(blank=True)
    last_failure_mend = models.TextField(blank=True)
    shortcomings = models.JSONField(
        default=list, blank=True, help_text="What its last answer lacks: words, and how to mend it."
    )
    last_asked_at = models.DateTimeField(null=True, blank=True)
    last_answer_at = models.DateTimeField(null=True, blank=True)
    current = models.ForeignKey(
        "Sighting", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    objects = LabHostQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(transport="ssh") | ~Q(ssh_host="") & ~Q(ssh_user="") & ~Q(ssh_host_key=""),
                name="ssh_host_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(ssh_port__gte=1) & Q(ssh_port__lte=65535), name="ssh_port_is_a_port"
            ),
            models.CheckConstraint(
                condition=~Q(probe_state="running") | Q(probe_started_at__isnull=False),
                name="running_probe_has_start",
            ),
        ]
        indexes = [models.Index(fields=["probe_state", "next_probe_at"], name="lab_host_due")]
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("labtools:host", args=[self.slug])

    def clean(self) -> None:
        """Refuse what could be anything but the host, port, user and key that it seems to be; keep no comment of a key.

        A host that is not reached over SSH keeps none of SSH's fields.
        """
        if self.slug in RESERVED_SLUGS:
            raise ValidationError({"slug": "That word is an address of the lab already; take another one."})
        if self.transport != self.Transport.SSH:
            self.ssh_host = self.ssh_user = self.ssh_key_name = self.ssh_host_key = ""
            self.ssh_port = 22
            return
        errors = {}
        checks: tuple[tuple[str, Callable[[str], str]], ...] = (
            ("ssh_host", ssh_fields.check_host_name),
            ("ssh_user", ssh_fields.check_user),
            ("ssh_key_name", ssh_fields.check_key_name),
            ("ssh_host_key", lambda line: ssh_fields.parse_public_key(line).line),
        )
        for name, check in checks:
            try:
                setattr(self, name, check(getattr(self, name)))
            except ssh_fields.FieldError as error:
                errors[name] = str(error)
        if errors:
            raise ValidationError(errors)

    @property
    def reach(self) -> tuple[object, ...]:
        """How it is reached. An answer that was asked for in another way is not this host's."""
        return (
            self.transport,
            self.ssh_host,
            self.ssh_port,
            self.ssh_user,
            self.ssh_key_name,
            self.ssh_host_key,
        )

    @property
    def host_key_fingerprint(self) -> str:
        """Of the pinned key, as ``ssh-keygen -l`` prints it; empty where there is none."""
        return ssh_fields.parse_public_key(self.ssh_host_key).fingerprint if self.ssh_host_key else ""

    @property
    def is_being_asked(self) -> bool:
        """Whether a probe is queued or running."""
        return self.probe_state != self.ProbeState.IDLE

    @property
    def is_reference(self) -> bool:
        """Whether it is a version measured with the project, and no machine that could be asked."""
        return self.transport == self.Transport.REFERENCE

    def may_show_inventory_to(self, user: object) -> bool:
        """Whether ``user`` may see its WWNs, MACs and paths (one query)."""
        return LabHost.objects.inventory_visible_to(user).filter(pk=self.pk).exists()


class Sighting(models.Model):
    """That a host had a snapshot from ``first_at`` to ``last_at``; ``changes`` says what was new, a sentence each.

    The sightings of a host in order are its change feed.
    """

    host = models.ForeignKey(LabHost, on_delete=models.CASCADE, related_name="sightings")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="sightings")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    changes = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last_at__gte=models.F("first_at")), name="sighting_in_order")
        ]
        indexes = [
            models.Index(fields=["host", "-first_at"], name="sighting_of_host"),
            models.Index(fields=["-first_at"], name="sighting_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.host_id} {self.snapshot_id[:12]}"


class Inventory(models.Model):
    """What libvirt of a host had when it was asked last: WWNs, MACs, paths. Shown by ``inventory_visible_to`` only."""

    host = models.OneToOneField(LabHost, on_delete=models.CASCADE, related_name="inventory")
    taken_at = models.DateTimeField()
    digest = models.CharField(max_length=64, help_text="Of a Fact of kind inventory.")

    class Meta:
        verbose_name_plural = "inventories"

    def __str__(self) -> str:
        return f"inventory of {self.host_id}"
