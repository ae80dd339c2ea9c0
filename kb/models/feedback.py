"""What readers say: whether it worked, what they ask; and whether the links of an article still lead somewhere."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from kb.models.articles import Article
from kb.models.revisions import Revision
from portal.accounts.models import User


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


class OwnWords(models.Model):
    """What members post under their name, change and withdraw. ``version`` counts the changes."""

    version = models.PositiveIntegerField(default=0)
    edited_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when its writer alone reads it, and can bring it back."
    )

    class Meta:
        abstract = True


class QuestionQuerySet(models.QuerySet["Question"]):
    """Which questions who finds on an article's page; :meth:`Question.shows_words_to` says who reads their words."""

    def public(self) -> "QuestionQuerySet":
        """Let through and not withdrawn; and whatever became of the question, what has an answer that is seen."""
        seen = Answer.objects.public().filter(question=OuterRef("pk"))
        kept = ~Q(state=Question.State.HELD) & Q(withdrawn_at=None)
        return self.filter(kept | Exists(seen))

    def visible_to(self, user: object) -> "QuestionQuerySet":
        """What is public, and for members what they asked and answered."""
        if not isinstance(user, User):
            return self.public()
        answered = Answer.objects.filter(question=OuterRef("pk"), author=user)
        return self.filter(Q(pk__in=self.public().values("pk")) | Q(author=user) | Exists(answered))


class AnswerQuerySet(models.QuerySet["Answer"]):
    """Which answers who reads."""

    def public(self) -> "AnswerQuerySet":
        """Let through and not withdrawn."""
        return self.filter(is_held=False, withdrawn_at=None)

    def visible_to(self, user: object) -> "AnswerQuerySet":
        """What is public, and for members their own."""
        public = Q(is_held=False, withdrawn_at=None)
        return self.filter(public | Q(author=user) if isinstance(user, User) else public)


class Question(OwnWords):
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

    objects: ClassVar[QuestionQuerySet] = QuestionQuerySet.as_manager()  # type: ignore[assignment]  # the stubs know only Manager

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["article", "state"], name="question_of_article")]

    def __str__(self) -> str:
        return self.text[:60]

    def shows_words_to(self, user: object) -> bool:
        """Whether ``user`` reads what is asked: everybody, unless it waits or is withdrawn; then its writer."""
        is_seen = self.state != self.State.HELD and self.withdrawn_at is None
        return bool(self.text) and (is_seen or (isinstance(user, User) and self.author_id == user.pk))


class Answer(OwnWords):
    """What somebody answered."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    text = models.TextField(max_length=4000)
    is_held = models.BooleanField(default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="answers"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[AnswerQuerySet] = AnswerQuerySet.as_manager()  # type: ignore[assignment]  # the stubs know only Manager

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
