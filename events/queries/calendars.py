"""Meetups as calendars: the shared feeds, a file for one meetup, and what is attached to a mail.

What every feed keeps to: the UID is that of the row and the same in mails; cancelled meetups stay; drafts, the link of
an online meetup and people's names are in no shared one; times name their zone and bring its VTIMEZONE.
"""

import datetime as dt
from dataclasses import dataclass
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Prefetch, Q, prefetch_related_objects
from django.utils import timezone

from events.ical.writer import Calendar, Event, Party, write_calendar
from events.models import Chapter, CoHost, Meetup, MeetupQuerySet, Rsvp

#: How long a feed keeps a meetup that is over, as whole days in UTC.
KEPT = dt.timedelta(days=90)
#: The most meetups in one feed: the earliest ones of its window.
MOST = 1000
#: How often a client is asked to look again.
REFRESH = dt.timedelta(hours=1)
#: Longer descriptions end with an ellipsis and the meetup's address.
LONGEST_DESCRIPTION = 4000

_STATUS = {Meetup.Status.CONFIRMED: "CONFIRMED", Meetup.Status.CANCELLED: "CANCELLED"}
_ANSWER = {
    Rsvp.Status.GOING: "ACCEPTED",
    Rsvp.Status.MAYBE: "TENTATIVE",
    Rsvp.Status.DECLINED: "DECLINED",
}


def has_calendar_day(meetup: Meetup) -> bool:
    """Whether a calendar can say when it is: it knows days and times, but neither a month alone nor an open date."""
    return meetup.date_precision in (Meetup.DatePrecision.DAY, Meetup.DatePrecision.EXACT)


def all_chapters_feed(*, at: dt.datetime) -> bytes:
    """Every chapter's meetups with a day: those to come, and those that ended less than :data:`KEPT` ago."""
    return write_calendar(
        Calendar(
            events=_events_of(Meetup.objects.all(), at),
            time_zone=settings.TIME_ZONE,
            name=f"Meetups of {settings.SITE_NAME}",
            description="Meetups of all chapters.",
            url=_absolute("/meetups/"),
            refresh=REFRESH,
        )
    )


def chapter_feed(chapter: Chapter, *, at: dt.datetime) -> bytes:
    """The meetups of ``chapter``, and those that it has agreed to hold together with others."""
    return write_calendar(
        Calendar(
            events=_events_of(Meetup.objects.filter(held_by(chapter)), at),
            time_zone=chapter.time_zone,
            name=f"{chapter.city} meetups · {settings.SITE_NAME}",
            description=chapter.summary,
            url=_absolute(chapter.get_absolute_url()),
            refresh=REFRESH,
        )
    )


def meetup_calendar(meetup: Meetup) -> bytes:
    """One meetup for anybody's calendar. Raises ``ValueError`` where it has no day."""
    if not has_calendar_day(meetup):
        raise ValueError("A calendar needs a day.")
    load_calendar_parts([meetup])
    return write_calendar(Calendar(events=(meetup_event(meetup),), time_zone=meetup.time_zone))


def invitation(
    meetup: Meetup, *, method: str, rsvp: Rsvp | None = None, at: dt.datetime | None = None
) -> bytes:
    """The calendar that a mail brings (RFC 5546): ``REQUEST``, ``CANCEL`` or ``PUBLISH``, made ``at`` this moment.

    ``rsvp`` is the reader's: the only ATTENDEE, and the link of an online meetup if they come. The organizer is the
    portal's own address: answers in a calendar program reach nobody, so none is asked for.
    A ``CANCEL`` of a meetup that takes place withdraws the reader's own entry; it may be made without a day, the
    others raise ``ValueError`` then (see :func:`has_calendar_day`), as does a ``REQUEST`` without ``rsvp``.
    """
    if method not in ("REQUEST", "CANCEL", "PUBLISH"):
        raise ValueError(f"No such method here: {method}.")
    if method == "REQUEST" and rsvp is None:
        raise ValueError("A REQUEST asks somebody: give their rsvp.")
    if method != "CANCEL" and not has_calendar_day(meetup):
        raise ValueError("A calendar needs a day.")
    load_calendar_parts([meetup])
    is_withdrawn = method == "CANCEL" and meetup.status != Meetup.Status.CANCELLED
    event = meetup_event(
        meetup,
        stamp=at or timezone.now(),
        status="" if is_withdrawn else None,
        organizer=Party(f"{meetup.chapter.city} chapter", parseaddr(settings.DEFAULT_FROM_EMAIL)[1]),
        attendee=_attendee(rsvp) if rsvp and method != "PUBLISH" else None,
        is_going=rsvp is not None and rsvp.status == Rsvp.Status.GOING,
        shows_reason=True,
    )
    return write_calendar(Calendar(events=(event,), time_zone=meetup.time_zone, method=method))


@dataclass(frozen=True)
class FeedState:
    """What tells a shared feed from its older and newer selves, in one query and without its events.

    ``changed_at`` is for Last-Modified: the last change of a row, or midnight (UTC), when meetups leave the window.
    What no meetup's row tells, such as a venue's new address, is not in it.
    """

    changed_at: dt.datetime
    meetups: int


def feed_state(chapter: Chapter | None, *, at: dt.datetime) -> FeedState:
    """The state of the feed of ``chapter``, or of all."""
    meetups = Meetup.objects.filter(held_by(chapter)) if chapter else Meetup.objects.all()
    found = meetups.aggregate(changed=Max("changed_at"), number=Count("pk"))
    return FeedState(max(_midnight(at), found["changed"] or _midnight(at)), found["number"])


def held_by(chapter: Chapter) -> Q:
    """Meetups of ``chapter`` alone or together with others."""
    agreed = CoHost.objects.filter(meetup=OuterRef("pk"), chapter=chapter, status=CoHost.Status.ACCEPTED)
    return Q(chapter=chapter) | Q(Exists(agreed))


def calendar_window(at: dt.datetime) -> Q:
    """Meetups that a feed holds at ``at``: with a day, and neither drafts nor long over."""
    precise = [Meetup.DatePrecision.DAY, Meetup.DatePrecision.EXACT]
    return Q(date_precision__in=precise, starts_at__gte=first_moment_kept(at)) & ~Q(
        status=Meetup.Status.DRAFT
    )


def first_moment_kept(at: dt.datetime) -> dt.datetime:
    """What begins before this is in no feed at ``at``."""
    return _midnight(at) - KEPT


def load_calendar_parts(meetups: list[Meetup]) -> None:
    """Load what :func:`meetup_event` reads beside the rows, in at most three queries."""
    prefetch_related_objects(meetups, "chapter", "venue", _agreed_hosts())


def meetup_event(
    meetup: Meetup,
    *,
    stamp: dt.datetime | None = None,
    status: str | None = None,
    summary: str = "",
    notes: tuple[str, ...] = (),
    organizer: Party | None = None,
    attendee: Party | None = None,
    is_going: bool = False,
    shows_reason: bool = False,
) -> Event:
    """``meetup`` as a VEVENT, its parts loaded by :func:`load_calendar_parts`.

    ``stamp`` is for messages, which tell when they were made, and for entries that changed with the reader's answer;
    ``status`` and ``summary`` replace the meetup's own; ``notes`` go before the description. Only ``is_going`` shows
    the link of an online meetup, only ``shows_reason`` why it is cancelled.
    """
    start, end = _times(meetup)
    is_cancelled = meetup.status == Meetup.Status.CANCELLED
    is_joining = is_going and not is_cancelled
    return Event(
        uid=meetup.ical_uid,
        sequence=meetup.ical_sequence,
        stamp=stamp or meetup.changed_at,
        changed=stamp or meetup.changed_at,
        created=meetup.created_at,
        # Many programs show a cancelled entry like any other: the title says it too.
        summary=summary or (f"Cancelled: {meetup.title}" if is_cancelled else meetup.title),
        status=_STATUS.get(Meetup.Status(meetup.status), "TENTATIVE") if status is None else status,
        start=start,
        end=end,
        description=_description(meetup, notes, is_joining, shows_reason),
        location=_location(meetup),
        geo=_geo(meetup),
        url=_absolute(meetup.get_absolute_url()),
        join_url=meetup.online_url if is_joining else "",
        categories=("Meetup", meetup.chapter.city),
        contact=f"{meetup.chapter.city} chapter, {_absolute(meetup.chapter.get_absolute_url())}",
        organizer=organizer,
        attendee=attendee,
        is_busy=is_joining,
    )


def _events_of(meetups: MeetupQuerySet, at: dt.datetime) -> tuple[Event, ...]:
    shown = meetups.filter(calendar_window(at)).select_related("chapter", "venue")
    found = list(shown.order_by("starts_at", "pk")[:MOST])
    load_calendar_parts(found)
    return tuple(meetup_event(meetup) for meetup in found)


def _agreed_hosts() -> Prefetch[str]:
    agreed = CoHost.objects.filter(status=CoHost.Status.ACCEPTED).select_related("chapter")
    return Prefetch("co_hosts", agreed.order_by("chapter__city", "pk"), to_attr="agreed_hosts")


def _times(meetup: Meetup) -> tuple[dt.datetime | dt.date | None, dt.datetime | dt.date | None]:
    """DTSTART and DTEND, in the meetup's own zone; of a day alone the dates, the end being the day after the last."""
    if meetup.starts_at is None or not has_calendar_day(meetup):
        return None, None
    zone = ZoneInfo(meetup.time_zone)
    start = meetup.starts_at.astimezone(zone)
    end = meetup.ends_at.astimezone(zone) if meetup.ends_at else None
    if meetup.date_precision == Meetup.DatePrecision.EXACT:
        return start, end
    last = (end - dt.timedelta(microseconds=1)).date() if end else start.date()
    return start.date(), last + dt.timedelta(days=1)


def _location(meetup: Meetup) -> str:
    if meetup.mode == Meetup.Mode.ONLINE:
        return "Online"
    if meetup.venue is None:
        return meetup.chapter.city
    address = ", ".join(line.strip() for line in meetup.venue.address.splitlines() if line.strip())
    return f"{meetup.venue.name}, {address}" if address else meetup.venue.name


def _geo(meetup: Meetup) -> tuple[float, float] | None:
    venue = meetup.venue
    if meetup.mode == Meetup.Mode.ONLINE or venue is None:
        return None
    if venue.latitude is None or venue.longitude is None:
        return None
    return float(venue.latitude), float(venue.longitude)


def _description(meetup: Meetup, notes: tuple[str, ...], is_joining: bool, shows_reason: bool) -> str:
    is_cancelled = meetup.status == Meetup.Status.CANCELLED
    parts = list(notes)
    if is_cancelled:
        parts.append("This meetup is cancelled.")
        if shows_reason:
            parts.append(meetup.cancel_reason)
    elif meetup.date_precision == Meetup.DatePrecision.DAY:
        parts.append("The time is open.")
    elif meetup.status != Meetup.Status.CONFIRMED:
        parts.append("The date may still change.")
    if is_joining and meetup.online_url:
        parts.append(f"Join online: {meetup.online_url}")
    parts += [_shortened(meetup.description or meetup.summary), meetup.venue_notes[:1000]]
    hosts = [host.chapter.city for host in getattr(meetup, "agreed_hosts", [])]
    if hosts:
        parts.append(f"Held together with {', '.join(hosts)}.")
    parts.append(_absolute(meetup.get_absolute_url()))
    return "\n\n".join(part for part in (part.strip() for part in parts) if part)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_DESCRIPTION else text[: LONGEST_DESCRIPTION - 1] + "…"


def _attendee(rsvp: Rsvp) -> Party:
    answer = _ANSWER.get(Rsvp.Status(rsvp.status), "NEEDS-ACTION")
    return Party(rsvp.user.name if rsvp.user else rsvp.name or rsvp.address, rsvp.address, answer)


def _midnight(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _absolute(path: str) -> str:
    return f"{settings.SITE_URL}{path}"
