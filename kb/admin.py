"""Articles in the admin: enough to write and publish until the knowledge base has its own editor."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from kb.documents import Document
from kb.forms import ArticleAdminForm
from kb.models import Article, Revision, Tag
from kb.services import publish_document
from portal.accounts.models import User


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    form = ArticleAdminForm
    list_display = ["title", "kind", "status", "owner", "published_at", "review_due"]
    list_filter = ["status", "kind"]
    list_select_related = ["owner"]
    search_fields = ["title", "slug", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    raw_id_fields = ["owner"]
    actions = ["archive"]

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        """Save the row, then publish its text through the one service that renders."""
        super().save_model(request, obj, form, change)
        assert isinstance(request.user, User)
        now = obj.current.document if obj.current else Document(title=obj.title, content="")
        publish_document(
            article=obj,
            document=replace(
                now,
                title=obj.title,
                kind=obj.kind,
                abstract=obj.summary,
                content=form.cleaned_data["content"],
            ),
            summary=form.cleaned_data["change"],
            author=request.user,
            at=timezone.now(),
        )

    @admin.action(description="Archive: readers no longer find it")
    def archive(self, request: HttpRequest, queryset: Any) -> None:
        """Take articles away from readers without losing anything."""
        queryset.update(status=Article.Status.ARCHIVED)


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


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin[Tag]):
    list_display = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
