"""Articles as readers see them, and the words by which they are grouped and addressed."""

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from kb.roles import is_reviewer
from portal.accounts.models import User

#: What an article cannot be called: other pages of the room have these addresses.
RESERVED_SLUGS = frozenset(
    {"new", "drafts", "pictures", "review", "dashboards", "checks", "errors", "export", "import", "questions"}
    | {"series", "tags", "deleted", "preview", "offline", "worker", "feed", "links", "unwatch", "diagram"}
)


class Tag(models.Model):
    """A word that groups articles across kinds."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=50)
    aliases = models.JSONField(
        default=list, blank=True, help_text="Slugs of other words that mean this one, such as vhba for npiv."
    )

    class Meta:
        ordering = [Lower("name")]

    def __str__(self) -> str:
        return self.name


class Series(models.Model):
    """Articles to be read one after the other."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)

    class Meta:
        ordering = ["title"]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.title


class ArticleQuerySet(models.QuerySet["Article"]):
    """Which articles who may read."""

    def published(self) -> "ArticleQuerySet":
        """Articles that everybody may read."""
        return self.filter(status=Article.Status.PUBLISHED, deleted_at=None)

    def visible_to(self, user: object) -> "ArticleQuerySet":
        """Published articles; all for reviewers; for an owner also one's own, whatever their status.

        What was deleted is nobody's: it is reached through ``deleted()`` alone.
        """
        if not isinstance(user, User):
            return self.published()
        kept = self.filter(deleted_at=None)
        if is_reviewer(user):
            return kept
        return kept.filter(Q(status=Article.Status.PUBLISHED) | Q(owner=user))

    def deleted(self) -> "ArticleQuerySet":
        """What somebody deleted and may still be brought back."""
        return self.filter(deleted_at__isnull=False)

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
    series = models.ForeignKey(
        Series, on_delete=models.SET_NULL, null=True, blank=True, related_name="articles"
    )
    part = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Its place in the series, from 1."
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
    shown = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="What stands around the text, stored so that a visitor's page asks little: contributors, "
        "related articles, neighbours in the series, results of checks. kb.services.storing writes it.",
    )
    published_at = models.DateTimeField(null=True, blank=True, help_text="First time that readers saw it.")
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    reviewed_at = models.DateField(
        null=True, blank=True, help_text="Last day on which it was tried as written."
    )
    review_due = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

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


class SlugRedirect(models.Model):
    """An address that an article had before. It leads to the article for ever, and no other may take it."""

    slug = models.SlugField(max_length=80, unique=True)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="old_slugs")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.slug
