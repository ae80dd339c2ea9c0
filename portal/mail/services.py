"""Write a mail into the outbox, in the transaction of whatever causes it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import BadHeaderError
from django.core.validators import validate_email
from django.db import transaction
from django.template import Context
from django.template.loader import get_template, select_template
from django.utils import timezone

from portal import logs
from portal.accounts.models import User
from portal.dispatch import send_on_commit
from portal.mail import kinds
from portal.mail.kinds import Kind
from portal.mail.models import OutboxAttachment, OutboxMessage
from portal.mail.preferences import Reader, unsubscribe_url

_HEADER_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, section 2.2: printable ASCII without the colon
# Fields that the outbox writes itself; a caller who could set them could change sender, reader or identity.
_OWN_HEADERS = {"from", "to", "cc", "bcc", "subject", "date", "message-id", "content-type", "mime-version"}


@dataclass(frozen=True)
class Attachment:
    """A small file for a mail; ``mime_type`` may carry parameters."""

    name: str
    mime_type: str
    content: bytes


def queue_mail(
    *,
    kind: str,
    to: str,
    subject: str,
    template: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    user: User | None = None,
    transactional: bool = True,
    headers: Mapping[str, str] | None = None,
    attachments: Sequence[Attachment] = (),
    forget: bool = False,
) -> OutboxMessage | None:
    """Put one mail into the outbox and hand it to a worker once the transaction has committed.

    ``template`` names ``mail/<template>.txt`` and ``.html``; one with a slash is a path of its own, and where it
    has no HTML the text is set in the portal's frame. ``dedupe_key`` names the event: a second call with the
    same key returns the first row and changes nothing. ``user`` is the member to whom ``to`` belongs; erasing
    the member erases the mail. With ``forget`` address and body are erased once it is sent, not days later.
    Returns None if the reader has switched off this kind of mail.

    Raises ``ValueError`` for an unknown kind, an address that is none, or ``transactional`` at odds with the
    kind, and ``BadHeaderError`` (a ``ValueError``) for a line break in a header field.
    """
    what = kinds.get(kind)
    _refuse_nonsense(what, to, transactional)
    _refuse_headers(subject, headers or {}, attachments)
    if first := OutboxMessage.objects.filter(dedupe_key=dedupe_key).first():
        return first
    reader = Reader.of(to, user)
    if not reader.wants(what):
        return None
    fields = dict(headers or {})
    page = {
        "subject": subject,
        "reader": user,
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        **context,
    }
    if not transactional:
        page["kind"] = what
        page["unsubscribe_url"] = url = unsubscribe_url(reader, what)
        fields |= {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    text, html = _render(template if "/" in template else f"mail/{template}", page)
    now = timezone.now()
    with transaction.atomic():
        message, is_new = OutboxMessage.objects.get_or_create(
            dedupe_key=dedupe_key,
            defaults={
                "kind": kind,
                "to_email": to,
                "to_user": user,
                "subject": subject,
                "text_body": text,
                "html_body": html,
                "headers": fields,
                "is_transactional": transactional,
                "forget_when_sent": forget,
                "request_id": logs.request_id.get(),
                # The message to the worker goes out on commit; beat follows up only on one that got lost.
                "next_attempt_at": now + timedelta(seconds=settings.MAIL_DUE_SECONDS),
                "give_up_at": now + timedelta(days=settings.MAIL_GIVE_UP_DAYS),
            },
        )
        if is_new:
            OutboxAttachment.objects.bulk_create(
                OutboxAttachment(message=message, name=a.name, mime_type=a.mime_type, content=a.content)
                for a in attachments
            )
            send_on_commit("portal.mail.tasks.deliver_message", message.pk)
    return message


def _refuse_nonsense(kind: Kind, to: str, transactional: bool) -> None:
    if transactional == kind.can_switch_off:
        raise ValueError(
            f"Mail of the kind {kind.key!r} can{'' if kind.can_switch_off else 'not'} be switched off, "
            f"so it must {'not ' if kind.can_switch_off else ''}be queued as transactional."
        )
    try:
        validate_email(to)
    except ValidationError as error:
        raise ValueError(f"{to!r} is not an e-mail address.") from error


def _refuse_headers(subject: str, headers: Mapping[str, str], attachments: Sequence[Attachment]) -> None:
    """Values come from people (a meetup's title); a line break in one would begin a header field of their own."""
    if len(subject) > 255:
        raise ValueError("The subject of a mail has at most 255 characters.")
    values = [subject, *headers.values(), *(text for a in attachments for text in (a.name, a.mime_type))]
    if any(len(value.splitlines()) > 1 or value.endswith(("\r", "\n")) for value in values):
        raise BadHeaderError("A header field of a mail must not contain a line break.")
    for name in headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise BadHeaderError(f"The header field {name!r} cannot be set.")


def _render(template: str, page: dict[str, Any]) -> tuple[str, str]:
    """The text and the HTML part. Text is not HTML: an apostrophe in a name stays one."""
    source: Any = get_template(f"{template}.txt")
    text = source.template.render(Context(page, autoescape=False)).strip() + "\n"
    framed = select_template([f"{template}.html", "mail/from_text.html"])
    letter = text.partition("\n-- \n")[0]  # without the signature: the frame says who writes
    return text, framed.render({"request": None, **page, "text": letter})
