"""What people write: revisions that never change, working copies that do, and what reviewers say to them."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kb.documents import AppliesToRange, Document
from kb.models.articles import Article
from kb.roles import is_reviewer
from portal.accounts.models import User


class DocumentFields(models.Model):
    """The parts of a ``kb.documents.Document`` as columns."""

    title = models.CharField(max_length=120, blank=True, default="")
    kind = models.CharField(max_length=15, choices=Article.Kind, default=Article.Kind.HOW_TO)
    abstract = models.CharField(max_length=250, blank=True, help_text="One or two sentences for lists.")
    tags = models.JSONField(default=list, blank=True, help_text="Names of tags.")
    applies_to = models.JSONField(default=list, blank=True, help_text="[component, minimum, maximum] each.")
    series = models.CharField(max_length=120, blank=True, help_text="Title of the series.")
    part = models.PositiveSmallIntegerField(null=True, blank=True)
    content = models.TextField(blank=True, help_text="Markdown.")

    class Meta:
        abstract = True

    @property
    def document(self) -> Document:
        """The whole text with what stands at its head."""
        return Document(
            title=self.title,
            kind=self.kind,
            abstract=self.abstract,
            tags=tuple(self.tags),
            applies_to=tuple(AppliesToRange(*one) for one in self.applies_to),
            series=self.series,
            part=self.part,
            content=self.content,
        )

    @document.setter
    def document(self, document: Document) -> None:
        for name in ("title", "kind", "abstract", "series", "part", "content"):
            setattr(self, name, getattr(document, name))
        self.tags = list(document.tags)
        self.applies_to = [[one.component, one.minimum, one.maximum] for one in document.applies_to]


class RevisionQuerySet(models.QuerySet["Revision"]):
    """Which revisions who may read."""

    def visible_to(self, user: object) -> "RevisionQuerySet":
        """Approved ones of articles that one may read; one's own; all for reviewers."""
        if is_reviewer(user):
            return self.filter(article__deleted_at=None)
        approved = Q(state=Revision.State.APPROVED, article__status=Article.Status.PUBLISHED)
        mine = Q(author=user) if isinstance(user, User) else Q(pk__in=[])
        return self.filter(approved | mine, article__deleted_at=None)

    def waiting(self) -> "RevisionQuerySet":
        """Submitted and not yet judged, the longest waiting first."""
        return self.filter(state=Revision.State.SUBMITTED, article__deleted_at=None).order_by(
            "created_at", "pk"
        )


class Revision(DocumentFields):
    """An article's whole document as one person sent it. Its words never change; only its state moves on."""

    class State(models.TextChoices):
        SUBMITTED = "submitted", "Waiting for review"
        APPROVED = "approved", "Approved"
        MERGED = "merged", "Approved, together with other changes"
        REJECTED = "rejected", "Sent back"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Significance(models.TextChoices):
        TYPO = "typo", "Typo or wording: what it says is the same"
        CHANGE = "change", "Change: readers who know it should read it again"
        REWRITE = "rewrite", "Rewrite"

    class Origin(models.TextChoices):
        MEMBER = "member", "A member"
        PORTAL = "portal", "The portal, which came with it"
        FILE = "file", "A file that whoever runs the portal brought"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="revisions")
    based_on = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="followers"
    )
    summary = models.CharField(max_length=200, blank=True, help_text="What changed, in a phrase.")
    significance = models.CharField(max_length=10, choices=Significance, default=Significance.CHANGE)
    state = models.CharField(max_length=10, choices=State, default=State.SUBMITTED)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="revisions"
    )
    origin = models.CharField(
        max_length=6,
        choices=Origin,
        default=Origin.MEMBER,
        help_text="Whose word it is where nobody is its author.",
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    verdict = models.TextField(blank=True, max_length=2000, help_text="What the reviewer said to all of it.")
    sha = models.CharField(max_length=64, editable=False, help_text="Document.sha, hex.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[RevisionQuerySet] = RevisionQuerySet.as_manager()  # type: ignore[assignment]  # the stubs know only Manager

    class Meta:
        ordering = ["article", "-created_at", "-pk"]
        permissions = [("review_article", "Can review articles")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "merged", "rejected"]) | Q(reviewed_at__isnull=False),
                name="judged_revision_has_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.article_id}@{self.sha[:10]}"

    @property
    def byline(self) -> str:
        """Who wrote it, as lists say it: with a name, or why there is none."""
        if self.author is not None:
            return f"by {self.author.name}"
        nobody = {self.Origin.PORTAL: "by the portal", self.Origin.FILE: "imported from a file"}
        return nobody.get(self.Origin(self.origin), "by somebody who left")


class Draft(DocumentFields):
    """A working copy, its author's alone, saved while they type. ``version`` counts the saves.

    Without an article it will become a new one. Sent for review it becomes a revision and is gone.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    article = models.ForeignKey(
        Article, on_delete=models.CASCADE, null=True, blank=True, related_name="drafts"
    )
    based_on = models.ForeignKey(Revision, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    summary = models.CharField(max_length=200, blank=True)
    significance = models.CharField(
        max_length=10, choices=Revision.Significance, default=Revision.Significance.CHANGE
    )
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-updated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "article"], condition=Q(article__isnull=False), name="one_draft_per_article"
            )
        ]

    def __str__(self) -> str:
        return self.title or "Untitled"


class ReviewComment(models.Model):
    """What a reviewer, or the author in answer, says to a line of a submitted text."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="comments")
    line = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of the Markdown, from 1. Empty: all of it."
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="review_comments"
    )
    text = models.TextField(max_length=2000)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["line", "created_at", "pk"]

    def __str__(self) -> str:
        return self.text[:60]


class Watch(models.Model):
    """A member who is told when an article changes, is asked about, or is no longer true."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="watches")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watches")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "user"], name="watches_once")]

    def __str__(self) -> str:
        return f"{self.user_id} watches {self.article_id}"
