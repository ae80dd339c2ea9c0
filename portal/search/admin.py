"""What people looked for and did not find."""

from django.contrib import admin
from django.http import HttpRequest

from portal.search.models import MissedSearch


@admin.register(MissedSearch)
class MissedSearchAdmin(admin.ModelAdmin[MissedSearch]):
    """To read, and to delete once somebody has written it."""

    list_display = ["words", "count", "last_at"]
    search_fields = ["words"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: MissedSearch | None = None) -> bool:
        return False
