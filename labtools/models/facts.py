"""What hosts can do, stored once by hash: parts, and the snapshots that are put together from them."""

import re

from django.db import models
from django.db.models import Q
from django.urls import reverse

_PROGRAM = re.compile(r"qemu-[A-Za-z0-9_.-]{1,60}", re.ASCII)


class Fact(models.Model):
    """A part of a document (a property list, the devices of a binary, ...) under the SHA-256 of its bytes.

    Never changed: whoever has the hash may keep what was read. Snapshots and hosts share parts.
    """

    class Kind(models.TextChoices):
        PROPERTIES = "properties", "Properties of a device type"
        DEVICES = "devices", "Device types"
        MACHINES = "machines", "Machine types"
        OBJECTS = "objects", "User-creatable objects"
        CPUS = "cpus", "CPU models under one accelerator"
        INVENTORY = "inventory", "What libvirt has"

    digest = models.CharField(
        max_length=64, primary_key=True, help_text="SHA-256 of the canonical JSON, hex."
    )
    kind = models.CharField(max_length=10, choices=Kind)
    data = models.BinaryField(help_text="Canonical JSON, compressed with zlib.")

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"


class Snapshot(models.Model):
    """All that one probe found out about QEMU and libvirt, under its hash; no host is in it.

    Hosts that are equal share a snapshot. It is never changed, so a link to it may be quoted for ever.
    """

    digest = models.CharField(max_length=64, primary_key=True, help_text="HostDocument.content_hash, hex.")
    taken_at = models.DateTimeField(help_text="When it was found for the first time.")
    machine = models.CharField(max_length=200, blank=True, help_text="As uname -m says: x86_64.")
    kernel = models.CharField(max_length=200, blank=True)
    libvirt_version = models.CharField(max_length=200, blank=True, help_text="Empty: libvirt did not answer.")
    problems = models.JSONField(default=list, help_text="Sentences of labprobe.")

    def __str__(self) -> str:
        return self.digest[:12]

    def get_absolute_url(self) -> str:
        return reverse("labtools:snapshot", args=[self.digest])


class Emulator(models.Model):
    """One QEMU binary of a snapshot. The parts are digests of :class:`Fact`; empty where QEMU did not answer."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="emulators")
    position = models.PositiveSmallIntegerField(help_text="In the document.")
    key = models.CharField(
        max_length=210, help_text="The target; with :2, :3, … for further binaries of the same target."
    )
    binary = models.TextField(help_text="Its path on the host: for staff only.")
    status = models.CharField(max_length=5, help_text="ok, died or error, as in the document.")
    last_words = models.TextField(blank=True)
    version = models.CharField(max_length=200, blank=True)
    package = models.CharField(max_length=200, blank=True)
    target = models.CharField(max_length=200, blank=True)
    devices = models.CharField(max_length=64, blank=True)
    machines = models.CharField(max_length=64, blank=True)
    objects_digest = models.CharField(max_length=64, blank=True)
    accelerators = models.JSONField(
        default=dict, help_text="By name (tcg, kvm): status, last_words, sandboxed, cpus (a digest)."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "position"], name="one_emulator_at_a_position"),
            models.UniqueConstraint(fields=["snapshot", "key"], name="one_emulator_of_a_key"),
            models.CheckConstraint(
                condition=Q(status__in=["ok", "died", "error"]), name="emulator_status_known"
            ),
        ]
        indexes = [models.Index(fields=["devices"], name="emulator_devices")]
        ordering = ["snapshot", "position"]

    def __str__(self) -> str:
        return f"QEMU {self.version} for {self.target}"

    @property
    def program(self) -> str:
        """Its name as one types it, without the folder, which is for staff only. Safe in a shell."""
        name = self.binary.rpartition("/")[2]
        return name if _PROGRAM.fullmatch(name) else f"qemu-system-{self.target}"


class DeviceRow(models.Model):
    """A device type of a list in current use, as a row: answers "which hosts have it" without reading the lists.

    Derived from the :class:`Fact` ``devices``; made when a list comes into use, deleted when it leaves.
    """

    devices = models.CharField(max_length=64, help_text="Digest of the list.")
    name = models.CharField(max_length=200)
    alias = models.CharField(max_length=200, blank=True)
    group = models.CharField(max_length=200, blank=True)
    bus = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    user_creatable = models.BooleanField(null=True)
    status = models.CharField(max_length=5)
    properties = models.CharField(max_length=64, blank=True, help_text="Digest of its property list.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["devices", "name"], name="one_row_of_a_device")]
        indexes = [
            models.Index(fields=["name"], name="device_row_name"),
            models.Index(fields=["alias"], name="device_row_alias"),
        ]

    def __str__(self) -> str:
        return self.name
