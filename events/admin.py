"""Chapters and meetups in the admin."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from events import admin_talks  # registers its part too
from events.models import Chapter, ChapterMembership, Meetup


class MembershipInline(admin.TabularInline[ChapterMembership, Chapter]):
    """For looking: roles change on the chapter's page, which keeps a lead and tells whom it concerns."""

    model = ChapterMembership
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Chapter | None = None) -> bool:
        """Not here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Chapter | None = None) -> bool:
        """Not here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Chapter | None = None) -> bool:
        """Not here."""
        return False


@admin.register(Chapter)
class ChapterAdmin(admin.ModelAdmin[Chapter]):
    list_display = ["city", "country", "status", "time_zone"]
    list_filter = ["status", "country"]
    search_fields = ["city", "slug"]
    prepopulated_fields = {"slug": ["city"]}
    inlines = [MembershipInline]


@admin.register(Meetup)
class MeetupAdmin(admin.ModelAdmin[Meetup]):
    """For looking. Seats, dates and states change on the organizers' pages, which know the rules, staff's too."""

    list_display = ["title", "chapter", "status", "date_precision", "starts_at"]
    list_filter = ["status", "chapter"]
    list_select_related = ["chapter"]
    search_fields = ["title", "slug", "summary"]
    readonly_fields = ["organize"]
    formfield_overrides = admin_talks.WEB_ADDRESSES

    @admin.display(description="Change it")
    def organize(self, meetup: Meetup) -> str:
        """A link to the organizers' page."""
        address = reverse("events:manage_meetup", args=[meetup.slug])
        return format_html('<a href="{}">On the organizers’ page</a>', address)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A meetup begins on its chapter's page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Meetup | None = None) -> bool:
        """Nothing is changed behind the services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Meetup | None = None) -> bool:
        """What people have seen is cancelled, and stays in calendars as such."""
        return False
