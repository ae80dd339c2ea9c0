"""One mail a day about what waits too long, to those who may decide on it. Nothing waits: no mail."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from kb.queries.overdue import Overdue, overdue
from kb.services.check_news import lab_maintainers
from kb.services.mail_kinds import WAITING
from kb.services.review_news import reviewers
from portal.accounts.models import User
from portal.mail.services import Letter, queue_letters

#: What has waited for less is nobody's neglect.
PATIENCE = dt.timedelta(days=1)
#: The hour, on the portal's own clock, from which the day's mail is sent.
FROM_HOUR = 8
#: Titles that a mail names of each sort.
_NAMED = 20


def tell_what_waits(*, at: dt.datetime) -> int:
    """Write the day's mails, each once however often it is called; return how many are new."""
    now = timezone.localtime(at)
    if now.hour < FROM_HOUR:
        return 0
    waits = overdue(before=at - PATIENCE)
    if not (waits.texts or waits.posts or waits.commands):
        return 0
    judges = {user.pk: user for user in reviewers()}
    maintainers = {user.pk: user for user in lab_maintainers()}
    letters = [
        _letter(user, context, f"kb:waiting:{now:%Y%m%d}:{user.pk}")
        for user in (judges | maintainers).values()
        if (context := _context(waits, user.pk, reviews=user.pk in judges, maintains=user.pk in maintainers))
    ]
    return queue_letters(kind=WAITING.key, template="kb/mail/waiting", letters=letters)


def _context(waits: Overdue, user: int, *, reviews: bool, maintains: bool) -> dict[str, Any] | None:
    """What this reader may decide on; None where that is nothing."""
    texts = waits.texts_for(user) if reviews else []
    posts = waits.posts_for(user) if reviews else 0
    commands = waits.commands if maintains else ()
    if not (texts or posts or commands):
        return None
    return {
        "count": len(texts) + posts + len(commands),
        "texts": texts[:_NAMED],
        "more_texts": max(0, len(texts) - _NAMED),
        "posts": posts,
        "commands": commands[:_NAMED],
        "more_commands": max(0, len(commands) - _NAMED),
        "queue_url": settings.SITE_URL + reverse("kb:review_queue"),
        "held_url": settings.SITE_URL + reverse("kb:questions_held"),
        "checks_url": settings.SITE_URL + reverse("kb:check_queue"),
    }


def _letter(user: User, context: dict[str, Any], key: str) -> Letter:
    count = context["count"]
    subject = "1 thing waits" if count == 1 else f"{count} things wait"
    return Letter(
        to=user.email,
        user=user,
        subject=f"{subject} for you in the knowledge base",
        context=context,
        dedupe_key=key,
    )
