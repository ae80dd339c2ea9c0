"""Addresses in mails by which somebody looks after following a chapter, without signing in."""

import datetime as dt

from django.conf import settings
from django.core import signing
from django.urls import reverse

from events.models import ChapterFollow

#: What a link in a mail is for: to prove that the address is the reader's own, or to look after the follow.
ACTIONS = ("confirm", "manage")
CONFIRM_WITHIN = dt.timedelta(days=settings.FOLLOW_CONFIRM_DAYS)
_SALT = "events.follow"


class LinkInvalid(ValueError):
    """Forged, or cut off by a mail program."""


def follow_url(follow: ChapterFollow, action: str) -> str:
    """The absolute address of the page about ``follow``, good without sign-in; ``action`` is one of :data:`ACTIONS`.

    GET shows a page with buttons, POST acts; a mail program's one-click POST (RFC 8058) to ``manage`` unfollows.
    """
    if action not in ACTIONS:
        raise ValueError(f"No link does {action!r}.")
    token = signing.dumps([follow.pk, action], salt=_SALT)
    return settings.SITE_URL + reverse("events:follow_link", args=[token])


def read_follow_link(token: str) -> tuple[ChapterFollow | None, str]:
    """The follow, None if it is gone, and what the link is for: ``confirm``, ``manage``, or ``expired``.

    Raises :class:`LinkInvalid`.
    """
    try:
        pk, action = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise LinkInvalid(token) from error
    follow = ChapterFollow.objects.select_related("chapter", "user").filter(pk=pk).first()
    if action == "confirm":
        try:
            signing.loads(token, salt=_SALT, max_age=CONFIRM_WITHIN)
        except signing.SignatureExpired:
            action = "expired"
    return follow, action
