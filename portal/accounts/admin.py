"""Members in the admin."""

from django.contrib import admin

from portal.accounts.models import User


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    list_display = ["email", "display_name", "city", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "display_name", "city"]
    readonly_fields = ["password", "last_login", "date_joined"]
