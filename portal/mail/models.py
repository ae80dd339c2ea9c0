"""The outbox, and who does not want which kind of mail."""

import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone


def new_message_id() -> str:
    """A Message-ID (RFC 5322, section 3.6.4) under the portal's own host name.

    Short, so that the field fits on one line: a folded one confuses some mail programs.
    """
    return f"<{secrets.token_hex(12)}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


class OutboxMessage(models.Model):
    """One mail to one address: written in the transaction that causes it, sent by a task.

    QUEUED -> SENDING (claimed by one worker) -> SENT, or back to QUEUED with a later ``next_attempt_at``, or
    FAILED with a sentence. ``attempts`` grows by one with each claim and so tells one claim from the next.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    kind = models.CharField(max_length=40)
    dedupe_key = models.CharField(
        max_length=200, unique=True, help_text="Names the event; the same event never makes two mails."
    )
    to_email = models.EmailField(blank=True, help_text="Erased with the body where no member is named.")
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="mails",
        help_text="Erasing the member erases their mail.",
    )
    subject = models.CharField(max_length=255)
    text_body = models.TextField(blank=True)
    html_body = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True, help_text="Further header fields by name.")
    is_transactional = models.BooleanField(default=True)
    forget_when_sent = models.BooleanField(
        default=False, help_text="Address and body go as soon as it is sent: the reader has left."
    )
    message_id = models.CharField(
        max_length=255, unique=True, default=new_message_id, help_text="The same in every attempt."
    )
    request_id = models.CharField(max_length=64, blank=True, help_text="Of the request that caused it.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    next_attempt_at = models.DateTimeField(help_text="From when beat hands a queued mail to a worker.")
    give_up_at = models.DateTimeField(help_text="After this, trouble that may pass counts as final.")
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, help_text="One sentence on the latest attempt.")
    erased_at = models.DateTimeField(null=True, blank=True, help_text="When the body was removed.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(claimed_at__isnull=False), name="sending_mail_is_claimed"
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="sent_mail_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(to_email="") | Q(erased_at__isnull=False), name="mail_has_address_until_erased"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="queued"), name="mail_due"),
            models.Index(fields=["claimed_at"], condition=Q(state="sending"), name="mail_claimed"),
            models.Index(fields=["created_at"], condition=Q(erased_at__isnull=True), name="mail_retention"),
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        """Its page in the mailbox, which the embedded default has."""
        return reverse("mail:message", args=[self.pk])


class OutboxAttachment(models.Model):
    """A small file that goes with a mail, such as an invitation (.ics)."""

    message = models.ForeignKey(OutboxMessage, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=100)
    mime_type = models.CharField(
        max_length=100, help_text="With its parameters: text/calendar; method=REQUEST; charset=utf-8"
    )
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.name


class OptOut(models.Model):
    """A kind of mail that a member, or the owner of an address without an account, does not want."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="mail_opt_outs",
    )
    email = models.EmailField(blank=True, help_text="In lower case; empty for a member.")
    kind = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, email="") | (Q(user__isnull=True) & ~Q(email="")),
                name="opt_out_of_member_or_address",
            ),
            models.UniqueConstraint(
                fields=["user", "kind"], condition=Q(user__isnull=False), name="one_opt_out_of_member"
            ),
            models.UniqueConstraint(
                fields=["email", "kind"], condition=Q(user__isnull=True), name="one_opt_out_of_address"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email or self.user}: no {self.kind}"
