"""Chapters and meetups in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from events import admin_talks as admin_talks  # registers its part
from events.models import Chapter, ChapterMembership, Meetup
from events.services.meetups import CALENDAR_FIELDS


class MembershipInline(admin.TabularInline[ChapterMembership, Chapter]):
    model = ChapterMembership
    raw_id_fields = ["user"]
    extra = 0


@admin.register(Chapter)
class ChapterAdmin(admin.ModelAdmin[Chapter]):
    list_display = ["city", "country", "status", "time_zone"]
    list_filter = ["status", "country"]
    search_fields = ["city", "slug"]
    prepopulated_fields = {"slug": ["city"]}
    inlines = [MembershipInline]


@admin.register(Meetup)
class MeetupAdmin(admin.ModelAdmin[Meetup]):
    list_display = ["title", "chapter", "status", "date_precision", "starts_at"]
    list_filter = ["status", "chapter"]
    list_select_related = ["chapter"]
    search_fields = ["title", "slug", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["ical_uid", "ical_sequence"]

    def save_model(self, request: HttpRequest, obj: Meetup, form: Any, change: bool) -> None:
        """Count SEQUENCE up where calendars must hear of the change (RFC 5545 section 3.8.7.4)."""
        if change and CALENDAR_FIELDS.intersection(form.changed_data):
            obj.ical_sequence += 1
        super().save_model(request, obj, form, change)
