"""Articles, their revisions, and the words by which they are found."""

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User


class Tag(models.Model):
    """A word that groups articles across kinds."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=50)

    class Meta:
        ordering = [Lower("name")]

    def __str__(self) -> str:
        return self.name


class ArticleQuerySet(models.QuerySet["Article"]):
    """Which articles who may read."""

    def published(self) -> "ArticleQuerySet":
        """Articles that everybody may read."""
        return self.filter(status=Article.Status.PUBLISHED)

    def visible_to(self, user: object) -> "ArticleQuerySet":
        """Published articles; all for staff; for an owner also one's own, whatever their status."""
        if not isinstance(user, User):
            return self.published()
        if user.is_staff:
            return self.all()
        return self.filter(Q(status=Article.Status.PUBLISHED) | Q(owner=user))

    def newest(self) -> "ArticleQuerySet":
        """The last published first; drafts, which have no such time, at the end."""
        return self.order_by(F("published_at").desc(nulls_last=True), "-pk")


class Article(models.Model):
    """A text under an address of its own. Its words live in revisions; what readers get is stored rendered."""

    class Kind(models.TextChoices):
        HOW_TO = "how-to", "How-to"
        TROUBLESHOOTING = "troubleshooting", "Troubleshooting"
        REFERENCE = "reference", "Reference"
        TRIP_REPORT = "trip-report", "Trip report"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"

    slug = models.SlugField(max_length=80, unique=True)
    kind = models.CharField(max_length=15, choices=Kind, default=Kind.HOW_TO)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=250, blank=True, help_text="One or two sentences for lists.")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="articles",
        help_text="Who keeps it true.",
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="articles")
    current = models.ForeignKey(
        "Revision",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="The revision that readers see.",
    )
    html = models.TextField(blank=True, editable=False, help_text="`current`, rendered and sanitised.")
    toc = models.JSONField(default=list, blank=True, editable=False, help_text="Its headings, as a tree.")
    words = models.PositiveIntegerField(default=0, editable=False)
    renderer = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="kb.rendering.VERSION that made `html`."
    )
    published_at = models.DateTimeField(null=True, blank=True, help_text="First time that readers saw it.")
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    reviewed_at = models.DateField(
        null=True, blank=True, help_text="Last day on which it was tried as written."
    )
    review_due = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[ArticleQuerySet] = ArticleQuerySet.as_manager()  # type: ignore[assignment]  # the stubs know only Manager

    class Meta:
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="published") | Q(current__isnull=False, published_at__isnull=False),
                name="published_article_has_text_and_time",
            ),
        ]
        indexes = [models.Index(fields=["status", "-published_at"], name="article_newest")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("kb:article", args=[self.slug])

    @property
    def reading_minutes(self) -> int:
        """Whole minutes, at least one, at 200 words a minute: technical text is read slowly."""
        return max(1, round(self.words / 200))

    def is_review_due(self, on: dt.date) -> bool:
        """Whether somebody should try it again by the day ``on``."""
        return self.review_due is not None and self.review_due <= on


class Revision(models.Model):
    """The Markdown of an article as one person left it. Never changed, only followed by another."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Waiting for review"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="revisions")
    based_on = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="followers"
    )
    content = models.TextField(help_text="Markdown.")
    summary = models.CharField(max_length=200, blank=True, help_text="What changed, in a phrase.")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="revisions"
    )
    sha = models.CharField(max_length=64, editable=False, help_text="SHA-256 of `content` in UTF-8, hex.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["article", "-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.article_id}@{self.sha[:10]}"


class AppliesTo(models.Model):
    """What an article speaks about, and the versions for which it was written."""

    class Component(models.TextChoices):
        QEMU = "qemu", "QEMU"
        LIBVIRT = "libvirt", "libvirt"
        VIRT_MANAGER = "virt-manager", "virt-manager"
        OVIRT = "ovirt", "oVirt"
        XEN = "xen", "Xen"
        DISTRIBUTION = "distribution", "Distribution"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="applies_to")
    component = models.CharField(max_length=15, choices=Component)
    minimum = models.CharField(max_length=20, blank=True, help_text="First version, such as 5.2.")
    maximum = models.CharField(max_length=20, blank=True, help_text="Last version. Empty: still true.")

    class Meta:
        ordering = ["component", "minimum"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "component", "minimum"], name="applies_once_per_version"
            )
        ]

    def __str__(self) -> str:
        name = self.get_component_display()
        if self.minimum and self.minimum == self.maximum:
            return f"{name} {self.minimum}"
        if self.minimum and self.maximum:
            return f"{name} {self.minimum} to {self.maximum}"
        if self.minimum:
            return f"{name} {self.minimum} and later"
        return f"{name} up to {self.maximum}" if self.maximum else name
