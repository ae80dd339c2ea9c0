"""The weekly summary: one mail for each reader, about all the chapters that they follow week by week."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from events.models import Announcement, Chapter, ChapterFollow, CoHost, Meetup
from events.services.follow_links import follow_url
from events.services.mail_writing import Facts, Link, facts_of, reader_key, subject_line
from portal.mail.services import Letter

#: Meetups of one chapter in one summary; its page has them all.
_MOST = 8
#: A meetup this near is worth a mail even in a week without news.
_SOON = dt.timedelta(days=8)


@dataclass(frozen=True)
class Entry:
    """A meetup in the summary; ``is_new`` since the last one."""

    facts: Facts
    status: str
    is_new: bool


@dataclass(frozen=True)
class Part:
    """What the summary says of one chapter."""

    city: str
    url: str
    entries: tuple[Entry, ...]
    cancelled: tuple[str, ...]
    messages: tuple[str, ...]
    more: int
    has_news: bool


def readers() -> "QuerySet[ChapterFollow]":
    """One row for each reader: the first of the chapters that they follow week by week."""
    weekly = _weekly()
    member = weekly.filter(user=OuterRef("user"), pk__lt=OuterRef("pk"))
    address = weekly.filter(user=None, email=OuterRef("email"), pk__lt=OuterRef("pk"))
    return weekly.exclude(Q(user__isnull=False) & Exists(member)).exclude(
        Q(user__isnull=True) & Exists(address)
    )


def letters(
    rows: Sequence[ChapterFollow], *, week: str, since: dt.datetime, until: dt.datetime, at: dt.datetime
) -> list[Letter]:
    """The summaries of ``week`` for the readers of ``rows``; whoever has neither news nor a meetup soon gets none."""
    users = [row.user_id for row in rows if row.user_id]
    emails = [row.email for row in rows if not row.user_id]
    followed: dict[int | str, list[ChapterFollow]] = defaultdict(list)
    mine = _weekly().filter(Q(user__in=users) | Q(user=None, email__in=emails))
    for follow in mine.select_related("chapter", "user").order_by("chapter__city", "pk"):
        followed[follow.user_id or follow.email].append(follow)
    chapters = {follow.chapter for held in followed.values() for follow in held}
    parts = parts_of(chapters, since=since, until=until, at=at)
    found = []
    for row in rows:
        told = [one for one in followed[row.user_id or row.email] if one.chapter_id in parts]
        shown = [parts[one.chapter_id] for one in told]
        if not any(part.has_news for part in shown):
            continue
        found.append(
            Letter(
                to=row.address,
                user=row.user,
                subject=subject_line("This week", ", ".join(part.city for part in shown)),
                context={
                    "parts": shown,
                    "why": "You receive this because you follow these chapters week by week.",
                    "stops": [
                        Link(
                            f"Change or stop mail of the {one.chapter.city} chapter",
                            follow_url(one, "manage"),
                        )
                        for one in told
                    ],
                },
                dedupe_key=f"digest:{week}:{reader_key(row.address)}",
            )
        )
    return found


def parts_of(
    chapters: set[Chapter], *, since: dt.datetime, until: dt.datetime, at: dt.datetime
) -> dict[int, Part]:
    """What there is to say of each of ``chapters``, by its key; of most weeks of most chapters, nothing."""
    held = _held(chapters, at)
    said: dict[int, list[str]] = defaultdict(list)
    messages = Announcement.objects.filter(
        chapter__in=chapters,
        audience=Announcement.Audience.FOLLOWERS,
        created_at__gt=since,
        created_at__lte=until,
    )
    for message in messages.order_by("created_at", "pk"):
        said[message.chapter_id].append(f"{' '.join(message.subject.split())}\n{message.text.strip()}")
    parts = {}
    for chapter in chapters:
        part = _part(chapter, held[chapter.pk], said[chapter.pk], since, until)
        if part.entries or part.cancelled or part.messages:
            parts[chapter.pk] = part
    return parts


def _part(
    chapter: Chapter, meetups: list[Meetup], messages: list[str], since: dt.datetime, until: dt.datetime
) -> Part:
    ahead = [one for one in meetups if one.status != Meetup.Status.CANCELLED]
    entries = [
        Entry(
            facts_of(one),
            one.get_status_display(),
            bool(one.announced_at and since < one.announced_at <= until),
        )
        for one in ahead
    ]
    cancelled = [
        " ".join(one.title.split())
        for one in meetups
        if one.status == Meetup.Status.CANCELLED and since < one.changed_at <= until
    ]
    is_near = any(one.starts_at and one.starts_at <= until + _SOON for one in ahead)
    # New ones first, so that they are never among those left out; within that the next first.
    entries.sort(key=lambda entry: not entry.is_new)
    return Part(
        city=chapter.city,
        url=settings.SITE_URL + chapter.get_absolute_url(),
        entries=tuple(entries[:_MOST]),
        cancelled=tuple(cancelled),
        messages=tuple(messages),
        more=max(len(entries) - _MOST, 0),
        has_news=is_near or bool(cancelled or messages) or any(entry.is_new for entry in entries),
    )


def _held(chapters: set[Chapter], at: dt.datetime) -> dict[int, list[Meetup]]:
    """Meetups to come, by the chapters that hold them, the next first."""
    agreed = CoHost.objects.filter(chapter__in=chapters, status=CoHost.Status.ACCEPTED)
    hosts: dict[int, set[int]] = defaultdict(set)
    for meetup_pk, chapter_pk in agreed.values_list("meetup", "chapter"):
        hosts[meetup_pk].add(chapter_pk)
    found: dict[int, list[Meetup]] = defaultdict(list)
    wanted = Meetup.objects.filter(Q(chapter__in=chapters) | Q(pk__in=agreed.values("meetup")))
    upcoming = wanted.exclude(status=Meetup.Status.DRAFT).upcoming(at=at)
    for meetup in upcoming.select_related("chapter", "venue"):
        for chapter_pk in {meetup.chapter_id} | hosts[meetup.pk]:
            found[chapter_pk].append(meetup)
    return found


def _weekly() -> "QuerySet[ChapterFollow]":
    return ChapterFollow.objects.filter(notify=ChapterFollow.Notify.WEEKLY, confirmed_at__isnull=False)
