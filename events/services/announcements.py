"""Messages of organizers to those who come, or to those who follow a chapter."""

import datetime as dt

from django.db import transaction

from events.models import Announcement, Chapter, Meetup
from events.queries.organizing import receivers_of
from events.services import mails
from events.services.audit import note_act
from events.services.life import MeetupRefused
from events.services.locks import lock_meetup
from events.services.meetups import demand_organizer
from portal.accounts.models import User

#: The same words to the same people within this time are a button that was pressed twice.
_TWICE = dt.timedelta(minutes=10)


@transaction.atomic
def send_announcement(
    *,
    chapter: Chapter,
    meetup: Meetup | None,
    actor: User,
    audience: str,
    subject: str,
    text: str,
    is_public: bool,
    at: dt.datetime,
) -> Announcement:
    """Send a message, once. Raises :class:`MeetupRefused` for a draft, and where nobody would read it."""
    demand_organizer(actor, chapter)
    if meetup is not None:
        meetup = lock_meetup(meetup.pk)
        if meetup.status == Meetup.Status.DRAFT:
            raise MeetupRefused("The meetup is a draft. Publish it before you write about it.")
    same = Announcement.objects.filter(
        chapter=chapter,
        meetup=meetup,
        audience=audience,
        subject=subject,
        text=text,
        created_at__gt=at - _TWICE,
    )
    if twice := same.first():
        return twice
    receivers = receivers_of(chapter, meetup, audience)
    if not receivers and not is_public:
        raise MeetupRefused("Nobody would receive this message yet.")
    sent = Announcement.objects.create(
        chapter=chapter,
        meetup=meetup,
        author=actor,
        audience=audience,
        subject=subject,
        text=text,
        is_public=is_public,
        created_at=at,
    )
    note_act(
        "send_message", actor=actor, chapter=chapter, meetup=meetup, subject=subject, receivers=receivers
    )
    mails.tell_announcement(sent)
    return sent
