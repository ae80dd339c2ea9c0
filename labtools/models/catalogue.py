"""What the lab's search reads: the words of the device lists that everybody may see, made ready."""

from django.db import models
from django.utils import timezone


class ListWords(models.Model):
    """The device types and property names of one device list, from which catalogues are put together."""

    devices = models.CharField(max_length=64, primary_key=True, help_text="Digest of the list.")
    data = models.BinaryField(help_text="JSON, compressed with zlib.")

    class Meta:
        verbose_name_plural = "words of lists"

    def __str__(self) -> str:
        return self.devices[:12]


class Catalogue(models.Model):
    """All distinct device types and property names of a set of device lists, as the search holds them in memory."""

    stamp = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of the lists' digests.")
    lists = models.JSONField(help_text="Digests of the device lists in it, in order.")
    data = models.BinaryField(help_text="JSON, compressed with zlib.")
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.stamp[:12]
