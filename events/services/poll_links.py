"""Addresses in mails by which somebody without an account looks after their votes."""

import datetime as dt

from django.conf import settings
from django.core import signing
from django.urls import reverse

from events.models import DateBallot

#: How long votes wait for the owner of the address; then they are forgotten.
CONFIRM_WITHIN = dt.timedelta(days=3)
_SALT = "events.ballot"


class LinkInvalid(ValueError):
    """Forged, or cut off by a mail program."""


def ballot_url(ballot: DateBallot) -> str:
    """The absolute address of the page about ``ballot``, good without sign-in.

    GET shows the votes; only its button, which POSTs, makes them count. Scanners follow every link in a mail.
    """
    return settings.SITE_URL + reverse("events:ballot", args=[signing.dumps(ballot.pk, salt=_SALT)])


def read_ballot_link(token: str) -> DateBallot | None:
    """The ballot, None where it is no longer kept. Raises :class:`LinkInvalid`.

    A link is good as long as its ballot: one that waits is forgotten after :data:`CONFIRM_WITHIN`.
    """
    try:
        pk = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise LinkInvalid(token) from error
    return DateBallot.objects.select_related("poll__meetup__chapter", "user").filter(pk=pk).first()
