"""Articles in the admin: their owner, dates and status. Their text is written and reviewed on the portal's pages."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from kb.forms import ArticleAdminForm
from kb.models import Article, ReviewComment, Revision, SlugRedirect, Tag
from kb.services.surroundings import refresh_neighbours
from portal.search.services import index_changed


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    form = ArticleAdminForm
    fields = ["title", "slug", "kind", "owner", "status", "reviewed_at", "review_due"]
    readonly_fields = ["title", "slug", "kind"]
    list_display = ["title", "kind", "status", "owner", "published_at", "review_due"]
    list_filter = ["status", "kind"]
    list_select_related = ["owner"]
    search_fields = ["title", "slug", "summary"]
    raw_id_fields = ["owner"]
    actions = ["archive"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An article begins with a text, in the editor."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Article | None = None) -> bool:
        """Deletion that can be undone is on the article's own pages."""
        return False

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        """Save what staff may set, and nothing that somebody else published meanwhile."""
        obj.save(update_fields=list(form.Meta.fields))
        index_changed("article", str(obj.pk))

    @admin.action(description="Archive: readers no longer find it")
    @transaction.atomic
    def archive(self, request: HttpRequest, queryset: Any) -> None:
        """Take articles away from readers without losing anything."""
        for article in queryset:
            Article.objects.filter(pk=article.pk).update(status=Article.Status.ARCHIVED)
            refresh_neighbours(article)
            index_changed("article", str(article.pk))


@admin.register(Revision)
class RevisionAdmin(admin.ModelAdmin[Revision]):
    list_display = ["article", "state", "author", "created_at", "summary"]
    list_filter = ["state"]
    list_select_related = ["article", "author"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Revisions are made by publishing an article."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Revision | None = None) -> bool:
        """A revision stays as it was written."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Revision | None = None) -> bool:
        """It is history, and may be what readers see; it goes with its article."""
        return False


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin[Tag]):
    list_display = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(ReviewComment)
class ReviewCommentAdmin(admin.ModelAdmin[ReviewComment]):
    """To read, and to delete what should not have been said; nobody puts words into another's mouth."""

    list_display = ["revision", "line", "author", "created_at", "text"]
    list_select_related = ["revision", "author"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Comments are made on the page of review."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ReviewComment | None = None) -> bool:
        """A comment stays as it was said."""
        return False


@admin.register(SlugRedirect)
class SlugRedirectAdmin(admin.ModelAdmin[SlugRedirect]):
    """Old addresses, to read: they lead to their articles for ever."""

    list_display = ["slug", "article", "created_at"]
    list_select_related = ["article"]
    search_fields = ["slug", "article__slug"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Made by changing an address on an article's settings page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: SlugRedirect | None = None) -> bool:
        """It leads where it leads."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SlugRedirect | None = None) -> bool:
        """For ever."""
        return False
