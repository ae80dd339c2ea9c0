"""Talks on their way: proposed to a chapter, taken on or declined, withdrawn, changed."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from events.models import Chapter, Meetup, Person, Session, Talk
from events.permissions import can_edit_talk, can_give_talk, can_manage_chapter
from events.queries.care import is_blocked
from events.services import mails
from events.services.audit import note_act
from events.services.speakers import Named, free_slug, own_speaker, set_speakers
from portal.accounts.models import User

#: Proposals of one member that a chapter has to decide at the same time.
MAX_OPEN = 10
Status = Session.Status


class TalkRefused(Exception):
    """What was asked cannot be done; the message is a sentence for the person."""


@transaction.atomic
def propose_talk(
    *,
    chapter: Chapter,
    user: User,
    title: str,
    abstract: str,
    topic: str = "",
    kind: str = Session.Kind.TALK,
    affiliation: str = "",
    others: Sequence[Named] = (),
    note: str = "",
    at: dt.datetime,
) -> Session:
    """Offer a new talk to ``chapter``, given by the member and ``others``. Raises ``TalkRefused``."""
    _refuse_proposal(chapter, user)
    talk = Talk.objects.create(
        slug=free_slug(Talk.objects.all(), title, otherwise="talk"),
        title=title,
        abstract=abstract,
        topic=topic,
        proposed_by=user,
        created_at=at,
    )
    speaker = own_speaker(user)
    if affiliation and not speaker.affiliation:
        speaker.affiliation = affiliation
        speaker.save(update_fields=["affiliation"])
    set_speakers(talk=talk, named=others, first=speaker)
    talk.speaking.filter(speaker=speaker).update(affiliation=affiliation)
    session = Session.objects.create(talk=talk, chapter=chapter, kind=kind, note=note, created_at=at)
    mails.tell_talk_proposed(session)
    return session


@transaction.atomic
def propose_again(*, talk: Talk, chapter: Chapter, user: User, note: str = "", at: dt.datetime) -> Session:
    """Offer a talk that exists to another chapter, or once more to the same. Raises ``TalkRefused``."""
    if not can_give_talk(user, talk):
        raise TalkRefused("Only those who give a talk can propose it.")
    _refuse_proposal(chapter, user)
    waiting = Session.objects.filter(talk=talk, chapter=chapter)
    if waiting.filter(status=Status.PROPOSED).exists():
        raise TalkRefused(f"{chapter.city} has this proposal already and has not decided yet.")
    if waiting.filter(status=Status.ACCEPTED, meetup=None).exists():
        raise TalkRefused(f"{chapter.city} has accepted this talk and looks for a meetup for it.")
    last = talk.sessions.order_by("-pk").first()
    kind = last.kind if last else Session.Kind.TALK
    session = Session.objects.create(talk=talk, chapter=chapter, kind=kind, note=note, created_at=at)
    mails.tell_talk_proposed(session)
    return session


def _refuse_proposal(chapter: Chapter, user: User) -> None:
    if is_blocked(Person.of(user), chapter):
        raise TalkRefused(f"You cannot propose a talk to {chapter.city}.")
    if chapter.status == Chapter.Status.ARCHIVED:
        raise TalkRefused(f"The chapter of {chapter.city} is archived and takes no talks.")
    waiting = Session.objects.filter(chapter=chapter, talk__proposed_by=user, status=Status.PROPOSED)
    if waiting.count() >= MAX_OPEN:
        raise TalkRefused(f"{chapter.city} has {MAX_OPEN} proposals of yours to decide. Let it answer first.")


@transaction.atomic
def decide_talk(*, session: Session, actor: User, is_taken: bool, reason: str, at: dt.datetime) -> None:
    """Take a proposed talk on, or decline it; a decision may be changed while the talk was not given.

    The proposer is told with the reason. Raises ``TalkRefused``, also where somebody else was quicker.
    """
    chapter = session.chapter
    if chapter is None or not can_manage_chapter(actor, chapter):
        raise TalkRefused("Only the organizers of the chapter decide.")
    wanted = Status.ACCEPTED if is_taken else Status.DECLINED
    before = (Status.PROPOSED, Status.DECLINED if is_taken else Status.ACCEPTED)
    _refuse_given(session, at)
    changed = Session.objects.filter(pk=session.pk, status__in=before).update(
        status=wanted, reason=reason, decided_by=actor, decided_at=at
    )
    if not changed:
        raise TalkRefused("This was decided or withdrawn in the meantime.")
    if not is_taken:
        _take_off(session)
    session.refresh_from_db()
    note_act(
        "accept_talk" if is_taken else "decline_talk", actor=actor, chapter=chapter, talk=session.talk.title
    )
    mails.tell_talk_decided(session)


@transaction.atomic
def withdraw_talk(*, session: Session, user: User, at: dt.datetime) -> None:
    """Take back one's proposal, or one's promise. Raises ``TalkRefused`` where it is too late."""
    if not can_give_talk(user, session.talk):
        raise TalkRefused("Only those who give a talk can withdraw it.")
    _refuse_given(session, at)
    open_states = (Status.PROPOSED, Status.ACCEPTED)
    if session.chapter_id is None or not Session.objects.filter(pk=session.pk, status__in=open_states).update(
        status=Status.WITHDRAWN
    ):
        raise TalkRefused("There is nothing to withdraw.")
    _take_off(session)


def _refuse_given(session: Session, at: dt.datetime) -> None:
    meetup = session.meetup
    if meetup and meetup.status != Meetup.Status.CANCELLED and meetup.is_past(at):
        raise TalkRefused("The meetup is over: this talk was given.")


def _take_off(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(meetup=None, starts_at=None, ends_at=None, position=0)


@transaction.atomic
def change_talk(
    *, talk: Talk, actor: User, title: str, abstract: str, topic: str, named: Sequence[Named]
) -> None:
    """Change a talk and who gives it; its address stays. Raises ``TalkRefused``."""
    if not can_edit_talk(actor, talk):
        raise TalkRefused("You cannot change this talk.")
    talk.title, talk.abstract, talk.topic = title, abstract, topic
    talk.save(update_fields=["title", "abstract", "topic"])
    set_speakers(talk=talk, named=named)
    if not can_give_talk(actor, talk):
        session = talk.sessions.filter(chapter__isnull=False).select_related("chapter").first()
        note_act("change_talk", actor=actor, chapter=session.chapter if session else None, talk=title)
