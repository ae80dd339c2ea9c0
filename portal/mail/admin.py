"""The outbox in the admin: to read, and to send again."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.dispatch import send_on_commit
from portal.mail import delivery, kinds
from portal.mail.models import OptOut, OutboxAttachment, OutboxMessage


class ReadOnly:
    """What the outbox says is evidence: nobody edits it. Deleting stays possible, or no member could be erased."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AttachmentInline(ReadOnly, admin.TabularInline[OutboxAttachment, OutboxMessage]):
    model = OutboxAttachment
    fields = ["name", "mime_type"]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly, admin.ModelAdmin[OutboxMessage]):
    list_display = ["subject", "to_email", "kind", "state", "attempts", "created_at", "sent_at", "last_error"]
    list_filter = ["state", "kind", "is_transactional"]
    search_fields = ["to_email", "subject", "dedupe_key", "message_id", "request_id"]
    date_hierarchy = "created_at"
    inlines = [AttachmentInline]
    actions = ["send_again"]

    def get_exclude(self, request: HttpRequest, obj: OutboxMessage | None = None) -> list[str]:
        """Account mail holds links that sign in: with them any helper in the admin could become anybody."""
        if obj and obj.kind == kinds.ACCOUNT.key and not request.user.is_superuser:
            return ["text_body", "html_body"]
        return []

    def has_send_permission(self, request: HttpRequest) -> bool:
        """To send again is to change the row, though not by hand."""
        return request.user.has_perm("mail.change_outboxmessage")

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: "QuerySet[OutboxMessage]") -> None:
        """Queue the chosen mails once more: those that failed, and those that were sent and did not arrive."""
        with transaction.atomic():
            pks = delivery.send_again(queryset)
            for pk in pks:
                send_on_commit("portal.mail.tasks.deliver_message", pk)
        left = queryset.count() - len(pks)
        self.message_user(request, f"{len(pks)} queued again.", messages.SUCCESS)
        if left:
            self.message_user(
                request, f"{left} left alone: still waiting, or their text is erased.", messages.WARNING
            )


@admin.register(OptOut)
class OptOutAdmin(ReadOnly, admin.ModelAdmin[OptOut]):
    list_display = ["kind", "user", "email", "created_at"]
    list_filter = ["kind"]
    search_fields = ["user__email", "email"]
