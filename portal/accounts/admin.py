"""Members in the admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.accounts import services
from portal.accounts.models import User


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """People sign up and change their address themselves; staff see, close and erase accounts."""

    list_display = ["email", "display_name", "city", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "display_name", "city"]
    readonly_fields = ["email", "last_login", "date_joined"]
    exclude = ["password"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An account made here would have an address that nobody confirmed and a password that nobody knows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser is made an ordinary member first, so that a slip cannot leave the portal with none."""
        is_ordinary = obj is None or not obj.is_superuser
        return is_ordinary and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Erase the member as they would themselves: rows, files, sessions, and a last mail."""
        services.erase_member(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Erase several members."""
        for user in queryset:
            self.delete_model(request, user)
