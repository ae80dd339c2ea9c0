"""Write a mail into the outbox, in the transaction of whatever causes it."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from portal.mail.preferences import Reader, unsubscribe_url, who_wants

log = logging.getLogger(__name__)
_HEADER_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, section 2.2: printable ASCII without the colon
# Fields that the outbox writes itself; a caller who could set them could change sender, reader or identity.
_OWN_HEADERS = {"from", "to", "cc", "bcc", "subject", "date", "message-id", "content-type", "mime-version"}


@dataclass(frozen=True)
class Attachment:
    """A small file for a mail; ``mime_type`` may carry parameters."""

    name: str
    mime_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """One of many mails of a kind, for :func:`queue_letters`; its fields mean what they mean to :func:`queue_mail`."""

    to: str
    subject: str
    context: Mapping[str, Any]
    dedupe_key: str
    user: User | None = None
    attachments: Sequence[Attachment] = field(default_factory=tuple)
    unsubscribe_url: str = ""


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
    unsubscribe: str = "",
) -> OutboxMessage | None:
    """Put one mail into the outbox and hand it to a worker once the transaction has committed.

    ``template`` names ``mail/<template>.txt`` and ``.html``; one with a slash is a path of its own, and where it
    has no HTML the text is set in the portal's frame. ``dedupe_key`` names the event: a second call with the
    same key returns the first row and changes nothing. ``user`` is the member to whom ``to`` belongs; erasing
    the member erases the mail. With ``forget`` address and body are erased once it is sent, not days later.
    ``unsubscribe`` is an address for the header ``List-Unsubscribe`` that ends less than the whole kind, such as
    the news of one chapter; a POST to it must act in one click (RFC 8058).
    Returns None if the reader has switched off this kind of mail, and for an address that is nobody's.

    Raises ``ValueError`` for an unknown kind, an address that is none, or ``transactional`` at odds with the
    kind, and ``BadHeaderError`` (a ``ValueError``) for a line break in a header field.
    """
    what = kinds.get(kind)
    _refuse_nonsense(what, to, transactional)
    _refuse_headers(subject, headers or {}, attachments)
    if first := OutboxMessage.objects.filter(dedupe_key=dedupe_key).first():
        return first
    if to.lower().endswith(
        ".invalid"
    ):  # nobody's: a forgotten address, or none given (RFC 6761, section 6.4)
        return None
    reader = Reader.of(to, user)
    if not reader.wants(what):
        return None
    letter = Letter(to, subject, context, dedupe_key, user, attachments, unsubscribe)
    drafted = _draft(what, reader, letter, template, headers or {})
    drafted.forget_when_sent = forget
    values = {
        column.attname: getattr(drafted, column.attname)
        for column in OutboxMessage._meta.concrete_fields
        if not column.primary_key
    }
    with transaction.atomic():
        message, is_new = OutboxMessage.objects.get_or_create(dedupe_key=dedupe_key, defaults=values)
        if is_new:
            OutboxAttachment.objects.bulk_create(_attachments(message, attachments))
            send_on_commit("portal.mail.tasks.deliver_message", message.pk)
    return message


def queue_letters(*, kind: str, template: str, letters: Sequence[Letter]) -> int:
    """Put many mails of one kind into the outbox with a number of queries that hardly grows; returns how many are new.

    All are rendered before anything is written, so SQLite's only writer is not kept waiting for it. A letter to what
    is no address is left out and logged: it must not keep the others from theirs. Raises as :func:`queue_mail` does.
    """
    what = kinds.get(kind)
    for letter in letters:
        _refuse_headers(letter.subject, {}, letter.attachments)
    keys = [letter.dedupe_key for letter in letters]
    known = set(OutboxMessage.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
    new = {one.dedupe_key: one for one in letters if one.dedupe_key not in known and _has_address(one)}
    readers = {key: Reader.of(letter.to, letter.user) for key, letter in new.items()}
    wanting = who_wants(what, readers.values())
    drafts = {
        key: _draft(what, readers[key], letter, template, {})
        for key, letter in new.items()
        if readers[key] in wanting
    }
    if not drafts:
        return 0
    with transaction.atomic():
        OutboxMessage.objects.bulk_create(drafts.values(), ignore_conflicts=True)
        # Another process may have been first with some of them: a row is ours if it has our Message-ID.
        ours = OutboxMessage.objects.filter(message_id__in=[draft.message_id for draft in drafts.values()])
        rows = list(ours.only("pk", "dedupe_key"))
        OutboxAttachment.objects.bulk_create(
            attachment for row in rows for attachment in _attachments(row, new[row.dedupe_key].attachments)
        )
        for row in rows:
            send_on_commit("portal.mail.tasks.deliver_message", row.pk)
    return len(rows)


def _draft(
    kind: Kind, reader: Reader, letter: Letter, template: str, headers: Mapping[str, str]
) -> OutboxMessage:
    """The row for ``letter``, not saved."""
    fields = dict(headers)
    page = {
        "subject": letter.subject,
        "reader": letter.user,
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        **letter.context,
    }
    if kind.can_switch_off:
        page["kind"] = kind
        page["unsubscribe_url"] = url = unsubscribe_url(reader, kind)
        one_click = letter.unsubscribe_url or url
        fields |= {
            "List-Unsubscribe": f"<{one_click}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    text, html = _render(template if "/" in template else f"mail/{template}", page)
    now = timezone.now()
    return OutboxMessage(
        kind=kind.key,
        dedupe_key=letter.dedupe_key,
        to_email=letter.to,
        to_user=letter.user,
        subject=letter.subject,
        text_body=text,
        html_body=html,
        headers=fields,
        is_transactional=not kind.can_switch_off,
        request_id=logs.request_id.get(),
        # The message to the worker goes out on commit; beat follows up only on one that got lost.
        next_attempt_at=now + timedelta(seconds=settings.MAIL_DUE_SECONDS),
        give_up_at=now + timedelta(days=settings.MAIL_GIVE_UP_DAYS),
    )


def _attachments(message: OutboxMessage, files: Sequence[Attachment]) -> list[OutboxAttachment]:
    return [
        OutboxAttachment(message=message, name=one.name, mime_type=one.mime_type, content=one.content)
        for one in files
    ]


def _has_address(letter: Letter) -> bool:
    try:
        validate_email(letter.to)
    except ValidationError:
        log.warning("no mail %s: its reader's address is none", letter.dedupe_key)
        return False
    return True


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
