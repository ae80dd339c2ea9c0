"""Addresses in mails by which somebody looks after their own sign-up, without signing in."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from events.models import Rsvp

#: What a link in a mail is for; the page behind it shows that button first.
ACTIONS = ("view", "cancel", "confirm", "accept", "reconfirm")
#: How long a link confirms an e-mail sign-up. Afterwards the sign-up is forgotten.
CONFIRM_WITHIN = dt.timedelta(days=3)
_SALT = "events.rsvp"


class LinkInvalid(ValueError):
    """Forged, cut off by a mail program, or of a sign-up that is no longer kept."""


@dataclass(frozen=True)
class RsvpLink:
    """What a link says: which sign-up, what for, and when it was made."""

    rsvp_pk: int
    action: str
    made_at: dt.datetime

    def can_confirm(self, at: dt.datetime) -> bool:
        """Whether it still proves that the address is the reader's own."""
        return self.action == "confirm" and at - self.made_at < CONFIRM_WITHIN


def rsvp_url(rsvp: Rsvp, action: str) -> str:
    """The absolute address of the page about ``rsvp`` for ``action``, one of :data:`ACTIONS`.

    Signed: whoever has it may look after this one sign-up. GET only shows a page, because scanners follow every
    link in a mail; its button POSTs.
    """
    if action not in ACTIONS:
        raise ValueError(f"No link does {action!r}.")
    return settings.SITE_URL + reverse("events:rsvp_link", args=[sign_link(rsvp, action)])


def ticket_url(rsvp: Rsvp) -> str:
    """The absolute address of the ticket for the door, good without signing in."""
    return settings.SITE_URL + reverse("events:rsvp_ticket", args=[sign_link(rsvp, "view")])


def sign_link(rsvp: Rsvp, action: str) -> str:
    """The last part of the address."""
    return signing.dumps([rsvp.pk, action], salt=_SALT)


def read_link(token: str) -> RsvpLink:
    """What ``token`` says. Raises :class:`LinkInvalid`."""
    try:
        pk, action = signing.loads(token, salt=_SALT)
        moment = _made_at(token)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise LinkInvalid(token) from error
    return RsvpLink(pk, action, moment)


def _made_at(token: str) -> dt.datetime:
    # TimestampSigner puts the second between value and signature, in base 62; loads() has checked them.
    _, stamp, _ = token.rsplit(":", 2)
    seconds: Any = signing.b62_decode(stamp)
    return dt.datetime.fromtimestamp(seconds, tz=timezone.get_default_timezone())
