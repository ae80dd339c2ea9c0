"""Talks, speakers, conferences and trip reports in the admin: where staff write a conference's schedule."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from events.models import (
    Conference,
    ConferenceDay,
    Resource,
    Session,
    Speaker,
    SpeakerClaim,
    Talk,
    TalkSpeaker,
    Track,
    TripReport,
    TripReportEntry,
)
from events.services.resources import forget_checks

#: Addresses without a scheme are taken for https.
WEB_ADDRESSES: dict[Any, dict[str, Any]] = {models.URLField: {"assume_scheme": "https"}}


class DayInline(admin.TabularInline[ConferenceDay, Conference]):
    model = ConferenceDay
    extra = 0
    show_change_link = True


class TrackInline(admin.TabularInline[Track, Conference]):
    model = Track
    extra = 0


@admin.register(Conference)
class ConferenceAdmin(admin.ModelAdmin[Conference]):
    list_display = ["name", "city", "year", "starts_on"]
    list_filter = ["year"]
    search_fields = ["name", "city"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [DayInline, TrackInline]
    formfield_overrides = WEB_ADDRESSES


class DaySessionInline(admin.TabularInline[Session, ConferenceDay]):
    model = Session
    fields = ["talk", "kind", "track", "position", "starts_at", "ends_at"]
    autocomplete_fields = ["talk"]
    extra = 3

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the tracks of this conference, not those of others."""
        match = request.resolver_match
        day = match.kwargs.get("object_id") if match else None
        if db_field.name == "track":
            kwargs["queryset"] = Track.objects.filter(conference__days=day) if day else Track.objects.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(ConferenceDay)
class ConferenceDayAdmin(admin.ModelAdmin[ConferenceDay]):
    """The schedule of one day: a talk that is new is added beside its field."""

    list_display = ["conference", "number", "date", "title"]
    list_filter = ["conference"]
    list_select_related = ["conference"]
    inlines = [DaySessionInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """What staff put on a schedule takes place; nobody has to decide on it."""
        for row in formset.forms:
            if isinstance(row.instance, Session):
                row.instance.status = Session.Status.ACCEPTED
        super().save_formset(request, form, formset, change)


class TalkSpeakerInline(admin.TabularInline[TalkSpeaker, Talk]):
    model = TalkSpeaker
    autocomplete_fields = ["speaker"]
    extra = 1


class ResourceInline(admin.TabularInline[Resource, Talk]):
    model = Resource
    fields = ["kind", "url", "condition", "note", "alive", "checked_at", "check_result"]
    readonly_fields = ["alive", "checked_at", "check_result"]
    formfield_overrides = WEB_ADDRESSES
    extra = 1


@admin.register(Talk)
class TalkAdmin(admin.ModelAdmin[Talk]):
    list_display = ["title", "topic", "proposed_by"]
    list_select_related = ["proposed_by"]
    search_fields = ["title", "topic", "speakers__name"]
    prepopulated_fields = {"slug": ["title"]}
    raw_id_fields = ["proposed_by"]
    inlines = [TalkSpeakerInline, ResourceInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """A new address is unknown until it is checked."""
        for row in formset.forms:
            if isinstance(row.instance, Resource) and "url" in row.changed_data:
                forget_checks(row.instance)
        super().save_formset(request, form, formset, change)


@admin.register(Speaker)
class SpeakerAdmin(admin.ModelAdmin[Speaker]):
    list_display = ["name", "affiliation", "user"]
    list_select_related = ["user"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    raw_id_fields = ["user"]


@admin.register(SpeakerClaim)
class SpeakerClaimAdmin(admin.ModelAdmin[SpeakerClaim]):
    """Where staff find claims; the decision is made on the speaker's page, by the one service for it."""

    list_display = ["speaker", "user", "status", "created_at", "decided_by"]
    list_filter = ["status"]
    list_select_related = ["speaker", "user", "decided_by"]
    search_fields = ["speaker__name"]

    def view_on_site(self, obj: SpeakerClaim) -> str:
        """The page with the buttons."""
        return obj.speaker.get_absolute_url()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A claim is made by whoever claims."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: SpeakerClaim | None = None) -> bool:
        """A claim stays as it was made."""
        return False


class EntryInline(admin.StackedInline[TripReportEntry, TripReport]):
    model = TripReportEntry
    raw_id_fields = ["session"]
    extra = 0


@admin.register(TripReport)
class TripReportAdmin(admin.ModelAdmin[TripReport]):
    list_display = ["title", "conference", "author", "published_at"]
    list_filter = ["conference"]
    list_select_related = ["conference", "author"]
    search_fields = ["title"]
    prepopulated_fields = {"slug": ["title"]}
    raw_id_fields = ["author"]
    inlines = [EntryInline]
    actions = ["take_back"]

    @admin.action(description="Make drafts again: readers no longer find them")
    def take_back(self, request: HttpRequest, queryset: Any) -> None:
        """Take reports away from readers without losing anything."""
        queryset.update(published_at=None)
