"""Carry mail from the outbox to the SMTP server, once each; docs/decisions/0030-outbox.md says how far that holds."""

import contextlib
import logging
import random
import smtplib
from datetime import timedelta
from email import encoders
from email.message import Message
from email.mime.base import MIMEBase

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from portal.mail.models import OutboxAttachment, OutboxMessage, new_message_id

log = logging.getLogger(__name__)
State = OutboxMessage.State
_ROUND = 500  # rows a beat round hands out; the next one is seconds away
_LONGEST_WAIT = 3600.0  # seconds between two attempts once the waits have doubled that far


class Refused(Exception):
    """The server will never take this mail; the message is a sentence for the person who looks into it."""


def deliver(message_pk: int) -> OutboxMessage.State | None:
    """One attempt at one mail. Returns its new state, or None if it was not waiting or another process has it.

    The claim is a conditional UPDATE that exactly one process wins, so a message delivered twice by the broker
    sends nothing twice.
    """
    now = timezone.now()
    claimed = OutboxMessage.objects.filter(pk=message_pk, state=State.QUEUED).update(
        state=State.SENDING, claimed_at=now, attempts=F("attempts") + 1
    )
    if not claimed:
        return None
    message = OutboxMessage.objects.get(pk=message_pk)
    with contextlib.ExitStack() as goodbye:
        try:
            if not settings.MAILBOX_PAGE:
                _hand_over(message, goodbye)
        except Refused as refusal:
            return _fail(message, str(refusal))
        except OSError as error:  # smtplib's exceptions are OSErrors too
            return _try_later(message, _sentence(error))
        except Exception:
            log.exception("mail %s: unexpected error", message.pk)
            return _try_later(message, "An unexpected error; the worker's log has it whole.")
        # Before the connection is closed: a slow goodbye must not widen the gap between the server's
        # "250 accepted" and our note of it, the only moment in which a crash can lead to a second copy.
        _mark_sent(message)
    return State.SENT


def _hand_over(message: OutboxMessage, goodbye: contextlib.ExitStack) -> None:
    """Give the mail to the server; ``goodbye`` closes the connection. Raises ``Refused`` or ``OSError``."""
    connection = get_connection()
    goodbye.callback(_close_quietly, connection)
    connection.open()  # or else `send_messages` would close it before we could note that the mail is gone
    try:
        connection.send_messages([as_email(message, connection)])
    except smtplib.SMTPRecipientsRefused as error:
        # One recipient a mail, so one answer. RFC 5321, section 4.2.1: 5yz is final, 4yz is worth another try.
        code, text = next(iter(error.recipients.values()))
        if code >= 500:
            raise Refused(f"The server refused the recipient: {code} {_decode(text)}") from error
        raise
    except smtplib.SMTPDataError as error:
        if error.smtp_code >= 500:
            raise Refused(
                f"The server refused the message: {error.smtp_code} {_decode(error.smtp_error)}"
            ) from error
        raise


def as_email(message: OutboxMessage, connection: BaseEmailBackend | None = None) -> EmailMultiAlternatives:
    """The mail as Django sends it: text, HTML, attachments, and the Message-ID that every attempt carries."""
    email = EmailMultiAlternatives(
        message.subject,
        message.text_body,
        settings.DEFAULT_FROM_EMAIL,
        [message.to_email],
        headers={**message.headers, "Message-ID": message.message_id},
        connection=connection,
    )
    email.attach_alternative(message.html_body, "text/html")
    for attachment in message.attachments.all():
        email.attach(_as_part(attachment))
    return email


def _as_part(attachment: OutboxAttachment) -> MIMEBase:
    """Django's own ``attach`` drops parameters such as ``method=REQUEST``, without which no calendar takes it."""
    field = Message()
    field["Content-Type"] = attachment.mime_type
    part = MIMEBase(field.get_content_maintype(), field.get_content_subtype())
    for name, value in (field.get_params() or [])[1:]:
        part.set_param(name, value)
    part.set_payload(bytes(attachment.content))
    encoders.encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=attachment.name)
    return part


def _mark_sent(message: OutboxMessage) -> None:
    """Whoever holds the claim by now: the server has taken the mail, and that is what the row must say."""
    OutboxMessage.objects.filter(pk=message.pk).update(
        state=State.SENT, sent_at=timezone.now(), claimed_at=None, last_error=""
    )
    if message.forget_when_sent:
        _erase([message.pk])
    log.info("mail %s (%s) sent at attempt %d", message.pk, message.kind, message.attempts)


def _held(message: OutboxMessage) -> "QuerySet[OutboxMessage]":
    """The row, if the claim of this attempt still stands."""
    return OutboxMessage.objects.filter(pk=message.pk, state=State.SENDING, attempts=message.attempts)


def _fail(message: OutboxMessage, sentence: str) -> OutboxMessage.State:
    failed = _held(message).update(state=State.FAILED, claimed_at=None, last_error=sentence)
    if failed and message.forget_when_sent:
        _erase([message.pk])
        OutboxMessage.objects.filter(pk=message.pk).update(
            last_error=""
        )  # a server's answer names the reader
    log.warning("mail %s (%s) failed for good: %s", message.pk, message.kind, sentence)
    return State.FAILED


def _try_later(message: OutboxMessage, sentence: str) -> OutboxMessage.State:
    due = timezone.now() + wait_after(message.attempts)
    if due > message.give_up_at:
        return _fail(message, f"Given up after {message.attempts} attempts. {sentence}")
    _held(message).update(state=State.QUEUED, claimed_at=None, next_attempt_at=due, last_error=sentence)
    log.warning("mail %s (%s) waits until %s: %s", message.pk, message.kind, due.isoformat(), sentence)
    return State.QUEUED


def wait_after(attempts: int) -> timedelta:
    """How long to wait after the given number of failed attempts: doubling, at most an hour, give or take a fifth.

    The spread keeps mails that failed together from coming back together.
    """
    seconds = min(settings.MAIL_RETRY_SECONDS * 2.0 ** min(attempts - 1, 30), _LONGEST_WAIT)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  (a spread, not a secret)


def take_back_abandoned() -> int:
    """Queue again what a worker claimed and never finished. Returns how many."""
    now = timezone.now()
    abandoned = OutboxMessage.objects.filter(
        state=State.SENDING, claimed_at__lt=now - timedelta(seconds=settings.MAIL_STUCK_SECONDS)
    )
    sentence = "The worker that was sending this stopped; it may or may not have been sent."
    # A mail that kills its worker each time must come to an end too.
    abandoned.filter(give_up_at__lt=now).update(state=State.FAILED, claimed_at=None, last_error=sentence)
    count = abandoned.update(state=State.QUEUED, claimed_at=None, next_attempt_at=now, last_error=sentence)
    if count:
        log.warning("%d mails taken back from workers that stopped", count)
    return count


def lease_due() -> list[int]:
    """Ids of the queued mails whose time has come, oldest first, each put off while a worker is asked to take it.

    Without that, every round would send the same messages again to a queue that nobody empties.
    """
    now = timezone.now()
    due = OutboxMessage.objects.filter(state=State.QUEUED, next_attempt_at__lte=now)
    with transaction.atomic():
        pks = list(due.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:_ROUND])
        due.filter(pk__in=pks).update(next_attempt_at=now + timedelta(seconds=settings.MAIL_DUE_SECONDS * 10))
    return pks


def erase_old() -> int:
    """Remove the bodies, and the addresses of people without an account, of mail dealt with long ago.

    The rows stay: their dedupe keys keep an old event from being mailed again. Returns how many were erased.
    """
    now = timezone.now()
    old = OutboxMessage.objects.filter(
        state__in=[State.SENT, State.FAILED],
        erased_at=None,
        created_at__lt=now - timedelta(days=settings.MAIL_KEEP_DAYS),
    )
    with transaction.atomic():
        return _erase(list(old.values_list("pk", flat=True)[:_ROUND]))


def _erase(pks: list[int]) -> int:
    """Remove body, header fields and attachments, and the address where no member is named."""
    now = timezone.now()
    with transaction.atomic():
        OutboxAttachment.objects.filter(message__in=pks).delete()
        rows = OutboxMessage.objects.filter(pk__in=pks)
        rows.filter(to_user=None).update(to_email="", erased_at=now)
        return rows.update(subject="(erased)", text_body="", html_body="", headers={}, erased_at=now)


def send_again(messages: "QuerySet[OutboxMessage]") -> list[int]:
    """Queue mails that failed or were sent once more, with their time to give up starting anew. Returns their ids.

    Each gets a new Message-ID: under the old one a server may take it for the copy that it already has.
    """
    now = timezone.now()
    with transaction.atomic():
        again = list(messages.filter(state__in=[State.SENT, State.FAILED], erased_at=None))
        for message in again:
            message.state, message.attempts, message.sent_at = State.QUEUED, 0, None
            message.message_id = new_message_id()
            message.next_attempt_at = now + timedelta(seconds=settings.MAIL_DUE_SECONDS)
            message.give_up_at = now + timedelta(days=settings.MAIL_GIVE_UP_DAYS)
            message.save()
    return [message.pk for message in again]


def _close_quietly(connection: BaseEmailBackend) -> None:
    """The mail is accepted or refused by now; what happens on the way out changes nothing."""
    with contextlib.suppress(OSError):
        connection.close()


def _decode(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


def _sentence(error: Exception) -> str:
    """What went wrong, in one line; a server's answer is kept whole because its wording is what one searches for."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The server answered {error.smtp_code} {_decode(error.smtp_error)}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return f"The server answered {code} {_decode(text)}"
    if isinstance(error, TimeoutError):
        return "The server did not answer in time."
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "The server closed the connection."
    return f"The server could not be reached: {getattr(error, 'strerror', None) or error}."
