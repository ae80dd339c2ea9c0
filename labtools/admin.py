"""Lab hosts in the admin, by the same form and the same services as on their pages; what was seen is for looking."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from labtools.host_forms import LabHostForm
from labtools.models import LabHost, Sighting, Snapshot
from labtools.services import hosts

STATE = (
    "probe_state",
    "last_asked_at",
    "last_answer_at",
    "next_probe_at",
    "failures",
    "last_failure",
    "last_failure_words",
    "last_failure_mend",
)


@admin.register(LabHost)
class LabHostAdmin(admin.ModelAdmin[LabHost]):
    form = LabHostForm
    fields = (*hosts.FIELDS, "host_key_fingerprint", *STATE)
    readonly_fields = ("host_key_fingerprint", *STATE)
    list_display = (
        "name",
        "transport",
        "visibility",
        "is_enabled",
        "probe_state",
        "failures",
        "last_answer_at",
    )
    list_filter = ("transport", "visibility", "is_enabled")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ["name"]}

    def has_change_permission(self, request: HttpRequest, obj: LabHost | None = None) -> bool:
        """References come with the project."""
        return super().has_change_permission(request, obj) and not (obj and obj.is_reference)

    def has_delete_permission(self, request: HttpRequest, obj: LabHost | None = None) -> bool:
        """References come with the project."""
        return super().has_delete_permission(request, obj) and not (obj and obj.is_reference)

    def save_model(self, request: HttpRequest, obj: LabHost, form: object, change: bool) -> None:
        """By the service, as on the pages."""
        keep = hosts.change_host if change else hosts.add_host
        keep(person=request.user, host=obj, at=timezone.now())

    def delete_model(self, request: HttpRequest, obj: LabHost) -> None:
        """By the service, which forgets what nobody else had."""
        hosts.remove_host(person=request.user, host=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LabHost]) -> None:
        """One by one; references stay."""
        for host in queryset.exclude(transport=LabHost.Transport.REFERENCE):
            hosts.remove_host(person=request.user, host=host)


class _ForLooking(admin.ModelAdmin[Snapshot | Sighting]):
    """What was seen never changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A probe adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """It goes with its last host."""
        return False


@admin.register(Snapshot)
class SnapshotAdmin(_ForLooking):
    list_display = ("digest", "taken_at", "machine", "libvirt_version")
    search_fields = ("digest",)


@admin.register(Sighting)
class SightingAdmin(_ForLooking):
    list_display = ("host", "snapshot", "first_at", "last_at")
    list_filter = ("host",)
    list_select_related = ("host", "snapshot")
