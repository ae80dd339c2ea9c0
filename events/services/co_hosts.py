"""Chapters that hold a meetup together: one asks, the other agrees or not, and either can end it."""

import datetime as dt

from django.db import transaction

from events.models import Chapter, CoHost, Meetup
from events.permissions import can_manage_chapter
from events.services import mails
from events.services.audit import note_act
from events.services.life import MeetupRefused
from events.services.meetups import demand_organizer
from portal.accounts.models import User

MAX_CO_HOSTS = 10


@transaction.atomic
def ask_co_host(*, meetup: Meetup, chapter: Chapter, actor: User, at: dt.datetime) -> CoHost:
    """Ask ``chapter`` to hold ``meetup`` too, even after it declined; its organizers hear of it.

    Raises :class:`MeetupRefused`.
    """
    demand_organizer(actor, meetup.chapter)
    if chapter.pk == meetup.chapter_id:
        raise MeetupRefused("The meetup is this chapter's own.")
    if chapter.status == Chapter.Status.ARCHIVED:
        raise MeetupRefused("This chapter is archived, so nobody there could answer.")
    if meetup.co_hosts.exclude(chapter=chapter).count() >= MAX_CO_HOSTS:
        raise MeetupRefused(f"A meetup has at most {MAX_CO_HOSTS} co-hosts.")
    asked, is_new = CoHost.objects.get_or_create(meetup=meetup, chapter=chapter, defaults={"asked_by": actor})
    if not is_new:
        again = CoHost.objects.filter(pk=asked.pk, status=CoHost.Status.DECLINED)
        if not again.update(status=CoHost.Status.ASKED, asked_by=actor, answered_by=None):
            return asked
        asked.refresh_from_db()
    note_act("ask_co_host", actor=actor, meetup=meetup, co_host=chapter.slug)
    mails.tell_co_host(asked, at=at)
    return asked


@transaction.atomic
def answer_co_host(*, co_host: CoHost, actor: User, agrees: bool, at: dt.datetime) -> None:
    """Agree to hold the meetup, or decline; one who agreed may still step back. Those who asked hear of it.

    Raises :class:`MeetupRefused`.
    """
    demand_organizer(actor, co_host.chapter)
    before = [CoHost.Status.ASKED] if agrees else [CoHost.Status.ASKED, CoHost.Status.ACCEPTED]
    after = CoHost.Status.ACCEPTED if agrees else CoHost.Status.DECLINED
    answered = CoHost.objects.filter(pk=co_host.pk, status__in=before).update(status=after, answered_by=actor)
    if not answered:
        raise MeetupRefused("This has been answered already.")
    act = "agree_to_co_host" if agrees else "decline_to_co_host"
    for chapter in (co_host.chapter, co_host.meetup.chapter):
        note_act(act, actor=actor, chapter=chapter, meetup=co_host.meetup, co_host=co_host.chapter.slug)
    co_host.status = after
    mails.tell_co_host(co_host, at=at)


@transaction.atomic
def withdraw_co_host(*, co_host: CoHost, actor: User) -> None:
    """Take back the asking, or the agreement, on the side of the meetup's own chapter."""
    demand_organizer(actor, co_host.meetup.chapter)
    note_act("withdraw_co_host", actor=actor, meetup=co_host.meetup, co_host=co_host.chapter.slug)
    co_host.delete()


def may_answer(user: object, co_host: CoHost) -> bool:
    """Whether ``user`` speaks for the chapter that is asked."""
    return can_manage_chapter(user, co_host.chapter)
