"""Pictures in articles, addressed by what is in them."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone


class Attachment(models.Model):
    """A picture as the portal wrote it anew, without what was hidden in the file that was sent."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="Of the stored file, hex: its address.")
    name = models.CharField(max_length=100, help_text="For people who save it.")
    alt = models.CharField(max_length=300, help_text="What is to be seen, for those who do not see it.")
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField(help_text="Pixels.")
    height = models.PositiveIntegerField(help_text="Pixels.")
    size = models.PositiveIntegerField(help_text="Bytes.")
    file = models.FileField(upload_to="kb/pictures/")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="pictures"
    )
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(
        default=timezone.now,
        help_text="When somebody last sent it. What no text shows is removed a month later.",
    )

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("kb:picture", args=[self.sha256])
