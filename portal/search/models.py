"""What can be found. The tokens lie in the table ``search_index``, which each database has in a form of its own."""

from django.db import models
from django.utils import timezone


class SearchDocument(models.Model):
    """One thing that a search may find: public, with the text that snippets are cut from."""

    source = models.CharField(max_length=30, help_text="Which register it comes from.")
    key = models.CharField(max_length=200, help_text="Its name in that register.")
    room = models.CharField(max_length=30)
    title = models.CharField(max_length=300)
    url = models.CharField(max_length=500)
    body = models.TextField(blank=True)
    note = models.CharField(
        max_length=200, blank=True, help_text="A word on what it is: How-to, Meetup in Pune."
    )
    weight = models.FloatField(default=1.0, help_text="Of two that match alike the heavier comes first.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was indexed.")
    indexed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="one_search_document")]
        indexes = [models.Index(fields=["room"], name="search_document_room")]

    def __str__(self) -> str:
        return self.title


class SearchStamp(models.Model):
    """The stamp of a source when it was last brought in step."""

    source = models.CharField(max_length=30, primary_key=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the stamp.")

    def __str__(self) -> str:
        return self.source


class SearchWord(models.Model):
    """A word of the index as people write it: what a mistyped one may have meant."""

    word = models.CharField(max_length=80, primary_key=True)

    def __str__(self) -> str:
        return self.word


class MissedSearch(models.Model):
    """Words that found nothing, and how often: what somebody should write about. Who asked is not kept."""

    words = models.CharField(max_length=80, unique=True)
    count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-count", "-last_at"]
        verbose_name_plural = "missed searches"

    def __str__(self) -> str:
        return self.words
