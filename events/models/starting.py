"""What the room remembers of its starting content."""

from django.db import models
from django.utils import timezone


class LoadedContent(models.Model):
    """That a piece of starting content was loaded once: what people take away afterwards does not come back."""

    name = models.CharField(max_length=80, unique=True)
    loaded_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name
