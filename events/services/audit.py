"""The log of what organizers did."""

from typing import Any

from events.models import AuditLog, Chapter, Meetup
from portal.accounts.models import User


def note_act(
    act: str,
    *,
    actor: User | None,
    chapter: Chapter | None = None,
    meetup: Meetup | None = None,
    **detail: Any,
) -> None:
    """Write one act into the log, in the transaction of the change that it tells of.

    ``act`` is a verb and a noun (``cancel_meetup``); ``actor`` is None for what the portal does by itself;
    ``detail`` is JSON and holds no mail address.
    """
    AuditLog.objects.create(
        chapter=chapter or (meetup.chapter if meetup else None),
        meetup=meetup,
        actor=actor,
        act=act,
        detail=detail,
    )
