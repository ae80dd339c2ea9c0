"""What readers say: whether it worked, what they ask; and whether the links of an article still lead somewhere."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kb.models.articles import Article
from kb.models.revisions import Revision


class HelpfulVote(models.Model):
    """One reader's answer to "did it work?", for the revision that they read."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="votes")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="helpful_votes",
    )
    visitor = models.CharField(
        max_length=64, blank=True, help_text="Keyed hash of a visitor's cookie. Empty for members."
    )
    worked = models.BooleanField()
    versions = models.CharField(max_length=100, blank=True, help_text="Such as QEMU 10.0, libvirt 11.3.")
    reason = models.TextField(max_length=1000, blank=True)
    is_held = models.BooleanField(
        default=False, help_text="Words of somebody new, not shown until looked at."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "user"],
                condition=Q(user__isnull=False),
                name="member_votes_once_a_revision",
            ),
            models.UniqueConstraint(
                fields=["revision", "visitor"], condition=~Q(visitor=""), name="visitor_votes_once_a_revision"
            ),
            models.CheckConstraint(condition=Q(user=None) | Q(visitor=""), name="vote_is_of_one_person"),
        ]

    def __str__(self) -> str:
        return "worked" if self.worked else "failed"


class Question(models.Model):
    """What a member asks about a section of an article."""

    class State(models.TextChoices):
        HELD = "held", "Waiting to be looked at"
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered"
        PROMOTED = "promoted", "Now in the text"
        CLOSED = "closed", "Closed"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="questions")
    section = models.CharField(max_length=100, blank=True, help_text="Id of the heading. Empty: all of it.")
    text = models.TextField(max_length=2000)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="questions"
    )
    promoted_in = models.ForeignKey(
        Revision, on_delete=models.SET_NULL, null=True, blank=True, related_name="promoted_questions"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["article", "state"], name="question_of_article")]

    def __str__(self) -> str:
        return self.text[:60]


class Answer(models.Model):
    """What somebody answered."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    text = models.TextField(max_length=4000)
    is_held = models.BooleanField(default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="answers"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.text[:60]


class Link(models.Model):
    """An address outside that a published article names, and how it answered when last asked."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="links")
    url = models.CharField(max_length=1000)
    status = models.CharField(
        max_length=60, blank=True, help_text="HTTP status, or what went wrong in a word."
    )
    is_dead = models.BooleanField(default=False)
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    checked_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["url"]
        constraints = [models.UniqueConstraint(fields=["article", "url"], name="link_once_an_article")]
        indexes = [models.Index(fields=["next_check_at"], name="link_due")]

    def __str__(self) -> str:
        return self.url
