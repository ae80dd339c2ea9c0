"""What ties an article to the lab: the names in it, what became untrue, and known error messages."""

from django.db import models
from django.utils import timezone

from kb.models.articles import Article


class Mention(models.Model):
    """A name in an article's code that the lab knows, or a command. Made whenever the text is stored."""

    class Kind(models.TextChoices):
        DEVICE = "device", "Device"
        OPTION = "option", "Option"
        MACHINE = "machine", "Machine type"
        CPU = "cpu", "CPU model"
        COMMAND = "command", "Command"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="mentions")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=120, help_text="An option as device.option.")

    class Meta:
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["article", "kind", "name"], name="mentioned_once")]
        indexes = [models.Index(fields=["kind", "name"], name="mention_of_name")]

    def __str__(self) -> str:
        return self.name


class LiveBlock(models.Model):
    """A live block in an article, with the stamp of the answer that its stored HTML shows."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="live_blocks")
    name = models.CharField(max_length=40)
    argument = models.CharField(max_length=200)
    stamp = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["name", "argument"]
        constraints = [
            models.UniqueConstraint(fields=["article", "name", "argument"], name="live_block_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.argument}"


class Flag(models.Model):
    """Something that an article says and that is no longer so on a lab host, until somebody looked at it."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=10, choices=Mention.Kind)
    name = models.CharField(max_length=120)
    where = models.CharField(max_length=160, help_text="Host and version, in words.")
    sentence = models.CharField(max_length=400)
    raised_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True, help_text="When owner and watchers were told.")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_how = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(fields=["article", "kind", "name", "where"], name="flagged_once_a_host")
        ]

    def __str__(self) -> str:
        return self.sentence


class ErrorSignature(models.Model):
    """A known error message, with the place in an article that says what to do."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="error_signatures")
    section = models.CharField(max_length=100, blank=True, help_text="Id of the heading that mends it.")
    pattern = models.CharField(
        max_length=300,
        help_text="The message with * for what differs from host to host. No regular expression.",
    )
    cause = models.CharField(max_length=300)

    class Meta:
        ordering = ["pattern"]
        constraints = [
            models.UniqueConstraint(fields=["article", "pattern"], name="signature_once_an_article")
        ]

    def __str__(self) -> str:
        return self.pattern
