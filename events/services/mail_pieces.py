"""The next piece of a round of mails: whom it goes to, and what each of them reads."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from events.models import ChapterFollow, CoHost, DateBallot, MailRound, Meetup, OfPerson, Rsvp
from events.queries.care import rows_of_blocked
from events.services import digests
from events.services.follow_links import follow_url
from events.services.mail_kinds import (
    CHAPTER_MESSAGES,
    DIGEST,
    MESSAGES,
    NEW_MEETUPS,
    REMINDERS,
    SEATS,
)
from events.services.mail_writing import (
    Link,
    calendar_file,
    facts_of,
    own_links,
    reader_key,
    subject_line,
    time_text,
)
from portal.mail.kinds import Kind
from portal.mail.services import Letter, queue_letters

Event = MailRound.Event
Status = Rsvp.Status
#: People to whom one piece writes. Small enough that other mail gets its turn in between.
PIECE = 200
NOBODY_LEFT = -1
#: What makes up when a meetup is.
TIME_FIELDS = frozenset({"starts_at", "ends_at", "date_precision", "time_zone"})
#: A reminder this soon after other news of the same time would be noise.
JUST_TOLD = dt.timedelta(hours=6)
_TOLD = (Status.GOING, Status.OFFERED, Status.MAYBE, Status.WAITLISTED)


@dataclass(frozen=True)
class Done:
    """How far a piece came: where to go on, and how many mails it made. ``stage`` is NOBODY_LEFT at the end."""

    stage: int
    cursor: int
    queued: int


@dataclass(frozen=True)
class Audience:
    """Rows of people, and how to write to them."""

    rows: "QuerySet[Any]"
    kind: Kind
    template: str
    write: Callable[[Sequence[Any]], list[Letter]]


def queue_piece(round_: MailRound, *, at: dt.datetime) -> Done:
    """Write to the next :data:`PIECE` people of the round."""
    audiences = _audiences(round_, at)
    if round_.stage >= len(audiences):
        return Done(NOBODY_LEFT, 0, 0)
    audience = audiences[round_.stage]
    rows = list(
        audience.rows.filter(Q(user=None) | Q(user__is_active=True), pk__gt=round_.cursor)
        .select_related("user")
        .order_by("pk")[:PIECE]
    )
    queued = 0
    if rows:
        queued = queue_letters(
            kind=audience.kind.key, template=audience.template, letters=audience.write(rows)
        )
    if len(rows) == PIECE:
        return Done(round_.stage, rows[-1].pk, queued)
    next_stage = round_.stage + 1
    return Done(next_stage if next_stage < len(audiences) else NOBODY_LEFT, 0, queued)


def _audiences(round_: MailRound, at: dt.datetime) -> list[Audience]:
    """Whom the round tells, in order; nobody where the event has been overtaken."""
    if round_.event == Event.DIGEST:
        return [
            Audience(
                digests.readers(),
                DIGEST,
                "events/mail/digest",
                lambda rows: digests.letters(
                    rows,
                    week=round_.detail["week"],
                    since=dt.datetime.fromisoformat(round_.detail["since"]),
                    until=dt.datetime.fromisoformat(round_.detail["until"]),
                    at=at,
                ),
            )
        ]
    if round_.event == Event.ANNOUNCEMENT:
        return [_of_announcement(round_)] if round_.announcement else []
    meetup = round_.meetup
    if meetup is None or meetup.status == Meetup.Status.DRAFT or meetup.is_past(at):
        return []
    if (meetup.status == Meetup.Status.CANCELLED) != (round_.event == Event.CANCELLED):
        return []
    match round_.event:
        case Event.NEW_MEETUP:
            return [_followers(round_, meetup)]
        case Event.DATE_DECIDED:
            return [_decided(round_, meetup), _voters(round_, meetup), _followers(round_, meetup)]
        case Event.CHANGED:
            return _changed(round_, meetup)
        case Event.CANCELLED:
            return [_cancelled(round_, meetup), _voters(round_, meetup)]
        case Event.REMINDER:
            return _reminded(round_, meetup, at)
    raise ValueError(f"No such round: {round_.event}.")


def _key(round_: MailRound, row: OfPerson) -> str:
    """One mail for each event and reader, whatever rows the reader has."""
    return f"{round_.key}:{reader_key(row.address)}"


def _signed_up(meetup: Meetup, *statuses: str) -> "QuerySet[Rsvp]":
    return Rsvp.objects.filter(meetup=meetup, status__in=statuses)


def _seat_letters(
    round_: MailRound,
    meetup: Meetup,
    *,
    news: str,
    sentences: Callable[[Rsvp], list[str]],
    method: str = "",
    was: str = "",
    links: Callable[[Rsvp], tuple[Link, ...]] = own_links,
) -> Callable[[Sequence[Rsvp]], list[Letter]]:
    """How to write to those who signed up; ``method`` is of the calendar file for those who are going."""

    def write(rows: Sequence[Rsvp]) -> list[Letter]:
        facts = {going: facts_of(meetup, shows_online=going) for going in (True, False)}
        letters = []
        for rsvp in rows:
            rsvp.meetup = meetup
            going = rsvp.status == Status.GOING
            letters.append(
                Letter(
                    to=rsvp.address,
                    user=rsvp.user,
                    subject=subject_line(news, meetup.title),
                    context={
                        "news": news,
                        "sentences": sentences(rsvp),
                        "facts": facts[going and method != "CANCEL"],
                        "was": was,
                        "links": links(rsvp),
                        "code": rsvp.code if going and method != "CANCEL" else "",
                        "why": "You receive this because you signed up for this meetup.",
                    },
                    dedupe_key=_key(round_, rsvp),
                    attachments=calendar_file(rsvp, method) if going and method else (),
                )
            )
        return letters

    return write


_STANDING = {
    Status.GOING.value: "You are going.",
    Status.OFFERED.value: "A seat is held for you.",
    Status.MAYBE.value: "You said that you may come. Now you can take a seat.",
    Status.WAITLISTED.value: "You are on the waitlist.",
}


def _decided(round_: MailRound, meetup: Meetup) -> Audience:
    def sentences(rsvp: Rsvp) -> list[str]:
        return [_STANDING[rsvp.status]]

    news = "The date is set"
    return Audience(
        _signed_up(meetup, *_TOLD),
        SEATS,
        "events/mail/meetup_news",
        _seat_letters(round_, meetup, news=news, sentences=sentences, method="REQUEST"),
    )


_CHANGES = {
    "venue": "The place has changed.",
    "venue_notes": "How to get there or in has changed.",
    "mode": "Whether one comes in person or online has changed.",
    "online_url": "There is a new link for coming online.",
}


def _changed(round_: MailRound, meetup: Meetup) -> list[Audience]:
    before = round_.detail["before"]
    changed = {
        name for name in round_.detail["changed"] if name not in before or before[name] != _now(meetup, name)
    }
    if not changed:  # taken back before anybody was told
        return []
    sentences = []
    was = ""
    if changed & TIME_FIELDS:
        sentences.append("The time has changed.")
        was = _was(meetup, before)
    if "status" in changed:
        sentences.append(
            "The meetup takes place after all."
            if before.get("status") == Meetup.Status.CANCELLED
            else f"It is now: {meetup.get_status_display().lower()}."
        )
    sentences += [text for name, text in _CHANGES.items() if name in changed]
    told = (Status.GOING,) if changed == {"online_url"} else _TOLD
    write = _seat_letters(
        round_, meetup, news="Changed", sentences=lambda _: sentences, method="REQUEST", was=was
    )
    return [Audience(_signed_up(meetup, *told), SEATS, "events/mail/meetup_news", write)]


def _now(meetup: Meetup, name: str) -> Any:
    value = getattr(meetup, f"{name}_id" if name == "venue" else name)
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _was(meetup: Meetup, before: dict[str, Any]) -> str:
    """The time that people know, in words."""
    if not before:
        return ""
    values = {
        name: before.get(name, _now(meetup, name))
        for name in ("starts_at", "ends_at", "date_precision", "time_zone")
    }
    start, end = (
        dt.datetime.fromisoformat(values[name]) if values[name] else None for name in ("starts_at", "ends_at")
    )
    return time_text(start, end, values["date_precision"], values["time_zone"])


def _cancelled(round_: MailRound, meetup: Meetup) -> Audience:
    reason = meetup.cancel_reason.strip()
    sentences = ["This meetup does not take place.", *([reason] if reason else [])]
    write = _seat_letters(
        round_, meetup, news="Cancelled", sentences=lambda _: sentences, method="CANCEL", links=lambda _: ()
    )
    return Audience(_signed_up(meetup, *_TOLD), SEATS, "events/mail/meetup_news", write)


def _reminded(round_: MailRound, meetup: Meetup, at: dt.datetime) -> list[Audience]:
    start = meetup.starts_at
    if start is None or start <= at or int(start.timestamp()) != round_.detail["start"]:
        return []  # begun, or moved: the new time has a round of its own
    zone = ZoneInfo(meetup.time_zone)
    days = (start.astimezone(zone).date() - at.astimezone(zone).date()).days
    news = "Today" if days == 0 else "Tomorrow"
    write = _seat_letters(
        round_,
        meetup,
        news=news,
        sentences=lambda _: [
            "You are going. If you cannot come, please cancel, so that somebody else gets the seat."
        ],
    )
    rows = _signed_up(meetup, Status.GOING).filter(changed_at__lte=at - JUST_TOLD)
    return [Audience(rows, REMINDERS, "events/mail/meetup_news", write)]


def _without_sign_up(rows: "QuerySet[Any]", meetup: Meetup) -> "QuerySet[Any]":
    """Those who have said nothing about coming; who has is told as one who did, and who declined is left alone."""
    mine = Rsvp.objects.filter(meetup=meetup).exclude(status=Status.UNCONFIRMED)
    return rows.exclude(Q(user__isnull=False) & Exists(mine.filter(user=OuterRef("user")))).exclude(
        Q(user__isnull=True) & Exists(mine.filter(user=None, email=OuterRef("email")))
    )


def _voters(round_: MailRound, meetup: Meetup) -> Audience:
    cancelled = round_.event == Event.CANCELLED
    news = "Cancelled" if cancelled else "The date is set"
    reason = [meetup.cancel_reason.strip()] if meetup.cancel_reason.strip() else []
    sentences = (
        ["You voted on the date of this meetup. It does not take place.", *reason]
        if cancelled
        else ["You voted on the date of this meetup. If you can come, sign up on its page."]
    )

    def write(rows: Sequence[DateBallot]) -> list[Letter]:
        facts = facts_of(meetup)
        context = {
            "news": news,
            "sentences": sentences,
            "facts": facts,
            "links": () if cancelled else (Link("See it and sign up", facts.url),),
            "why": "You receive this because you voted on the date of this meetup.",
        }
        subject = subject_line(news, meetup.title)
        return [Letter(row.address, subject, context, _key(round_, row), row.user) for row in rows]

    ballots = DateBallot.objects.filter(poll__meetup=meetup, confirmed_at__isnull=False)
    if not cancelled:  # whoever was blocked since cannot sign up, so nothing asks them to
        ballots = ballots.exclude(pk__in=ballots.filter(rows_of_blocked(meetup.chapter_id)).values("pk"))
    return Audience(_without_sign_up(ballots, meetup), SEATS, "events/mail/meetup_news", write)


def _followers(round_: MailRound, meetup: Meetup) -> Audience:
    """Those who follow a chapter that holds it, and want each meetup's mail."""
    agreed = CoHost.objects.filter(meetup=meetup, status=CoHost.Status.ACCEPTED)
    follows = ChapterFollow.objects.filter(
        Q(chapter=meetup.chapter_id) | Q(chapter__in=agreed.values("chapter")),
        notify=ChapterFollow.Notify.EACH,
        confirmed_at__isnull=False,
    )
    is_new = round_.event == Event.NEW_MEETUP
    if not is_new and _news_waits(meetup):
        follows = follows.none()  # the news of the meetup goes out after this, and tells the date

    def write(rows: Sequence[ChapterFollow]) -> list[Letter]:
        facts = facts_of(meetup)
        summary = meetup.summary.strip()
        letters = []
        for row in rows:
            news = "New meetup" if is_new else "The date is set"
            context = {
                "news": news,
                "sentences": [summary] if summary else [],
                "facts": facts,
                "links": (Link("See it and sign up" if meetup.takes_rsvps else "See it", facts.url),),
            }
            letters.append(
                _to_follower(round_, row, subject_line(f"{news} in {facts.city}", meetup.title), context)
            )
        return letters

    rows = _without_sign_up(follows.select_related("chapter"), meetup)
    return Audience(rows, NEW_MEETUPS, "events/mail/meetup_news", write)


def _news_waits(meetup: Meetup) -> bool:
    return MailRound.objects.filter(meetup=meetup, event=Event.NEW_MEETUP, finished_at=None).exists()


def _to_follower(round_: MailRound, row: ChapterFollow, subject: str, context: dict[str, Any]) -> Letter:
    """A letter whose one click stops the mail of this chapter; all of the kind can be stopped by a link in it."""
    stop = follow_url(row, "manage")
    more = {
        "why": f"You receive this because you follow the {row.chapter.city} chapter.",
        "stops": (Link(f"Change or stop mail of the {row.chapter.city} chapter", stop),),
    }
    return Letter(row.address, subject, context | more, _key(round_, row), row.user, unsubscribe_url=stop)


def _of_announcement(round_: MailRound) -> Audience:
    """An organizer's message: to those who signed up for the meetup, or to the chapter's followers."""
    said = round_.announcement
    assert said is not None
    meetup, city = said.meetup, said.chapter.city
    subject = subject_line(city, said.subject)
    author = said.author.name if said.author else "An organizer"
    context: dict[str, Any] = {
        "news": " ".join(said.subject.split()),
        "sentences": [said.text.strip(), f"{author}, for the {city} chapter"],
    }
    if meetup:
        meetup.chapter = said.chapter
    if meetup is None or said.audience == said.Audience.FOLLOWERS:
        page = meetup or said.chapter
        context["links"] = (Link("Read it on the portal", settings.SITE_URL + page.get_absolute_url()),)
        follows = ChapterFollow.objects.filter(
            chapter=said.chapter_id, notify=ChapterFollow.Notify.EACH, confirmed_at__isnull=False
        ).select_related("chapter")
        return Audience(
            follows,
            CHAPTER_MESSAGES,
            "events/mail/meetup_news",
            lambda rows: [_to_follower(round_, row, subject, context) for row in rows],
        )
    told = (Status.GOING,) if said.audience == said.Audience.GOING else _TOLD

    def write(rows: Sequence[Rsvp]) -> list[Letter]:
        facts = {going: facts_of(meetup, shows_online=going) for going in (True, False)}
        why = "You receive this because you signed up for this meetup."
        letters = []
        for row in rows:
            row.meetup = meetup
            own = {"facts": facts[row.status == Status.GOING], "links": own_links(row), "why": why}
            letters.append(Letter(row.address, subject, context | own, _key(round_, row), row.user))
        return letters

    return Audience(_signed_up(meetup, *told), MESSAGES, "events/mail/meetup_news", write)
