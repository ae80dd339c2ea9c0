"""Meetups that repeat: made ahead as real meetups, each like the one before, and each free to go its own way."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from events.models import Chapter, Meetup, MeetupSeries
from events.series_rules import Rule
from events.services.audit import note_act
from events.services.life import MeetupRefused
from events.services.locks import lock_meetup
from events.services.meetups import (
    cancel_meetup,
    change_meetup,
    copied_fields,
    copy_questions,
    create_meetup,
    demand_organizer,
    discard_meetup,
)
from events.wall_clock import nearest_moment
from portal.accounts.models import User

#: How far ahead the meetups of a series are made.
HORIZON = dt.timedelta(days=183)
_DATE_FIELDS = frozenset({"starts_at", "ends_at", "date_precision", "time_zone"})
_OF_ONE_MEETUP = frozenset({"registration_opens_at", "registration_closes_at", "recap", "recap_path"})


@transaction.atomic
def start_series(
    *, meetup: Meetup, actor: User, rule: Rule, until: dt.date | None, at: dt.datetime
) -> MeetupSeries:
    """Let ``meetup`` repeat; it is the first of the series. Raises :class:`MeetupRefused`."""
    demand_organizer(actor, meetup.chapter)
    first = lock_meetup(meetup.pk)
    start = first.when.start
    if start is None or first.date_precision != Meetup.DatePrecision.EXACT or first.starts_at is None:
        raise MeetupRefused("Only a meetup with a day and a time can repeat.")
    if first.series_id is not None:
        raise MeetupRefused("This meetup is one of a series already. End that series first.")
    if first.status == Meetup.Status.CANCELLED:
        raise MeetupRefused("This meetup is cancelled. Bring it back before it repeats.")
    if until is not None and until < start.date():
        raise MeetupRefused("The last day of the series lies before its first meetup.")
    length = (first.ends_at - first.starts_at) if first.ends_at else dt.timedelta(hours=2)
    series = MeetupSeries.objects.create(
        chapter=first.chapter,
        title=first.title,
        rule=str(rule),
        starts_on=start.date(),
        starts_at_time=start.time(),
        minutes=max(1, int(length.total_seconds() // 60)),
        time_zone=first.time_zone,
        until=until,
        made_until=start.date(),
    )
    Meetup.objects.filter(pk=first.pk).update(series=series, series_day=start.date())
    note_act("start_series", actor=actor, meetup=first, rule=rule.words, until=str(until or ""))
    extend_series(series=series, at=at)
    meetup.refresh_from_db()
    return series


@transaction.atomic
def extend_series(*, series: MeetupSeries, at: dt.datetime) -> list[Meetup]:
    """Make the meetups of the next half year that were not made before; safe to run twice.

    Each is like the latest that was not edited alone. A day is made once: whatever became of its meetup, it does
    not come back. Raises :class:`~events.series_rules.RuleRefused` for a rule that cannot be chosen here.
    """
    rule = Rule.read(series.rule)
    pattern = _pattern(series)
    end = at.date() + HORIZON
    end = min(end, series.until) if series.until else end
    done = series.made_until or series.starts_on - dt.timedelta(days=1)
    if pattern is None or end <= done:
        return []
    # Whoever moves made_until from what was read makes the days in between; a second run finds it moved.
    claimed = MeetupSeries.objects.filter(pk=series.pk, made_until=series.made_until).update(made_until=end)
    if not claimed:
        return []
    series.made_until = end
    # Not the days that passed while no task ran.
    after = max(done, at.date() - dt.timedelta(days=1))
    return [
        _make(series, pattern, day, at) for day in rule.days(start=series.starts_on, after=after, until=end)
    ]


@transaction.atomic
def change_following(
    *, meetup: Meetup, actor: User, changes: Mapping[str, Any], seen: Mapping[str, str], at: dt.datetime
) -> int:
    """Change this meetup and all later ones of its series that were not edited alone; returns how many.

    A new time of day holds for all of them on their own days, whatever the season; a new day is refused, for the
    rule gives the days. Raises :class:`MeetupRefused` and
    :class:`~events.services.edit_conflicts.EditConflict`; then nothing is changed.
    """
    demand_organizer(actor, meetup.chapter)
    series, day = meetup.series, meetup.series_day
    if series is None or day is None:
        raise MeetupRefused("This meetup is not one of a series.")
    before = {name: getattr(meetup, name) for name in _DATE_FIELDS}
    changed = change_meetup(
        meetup=meetup, actor=actor, changes=changes, at=at, seen=seen, detaches=meetup.is_detached
    )
    start = meetup.when.start
    moved = {name for name in _DATE_FIELDS if getattr(meetup, name) != before[name]}
    if moved:
        if start is None or start.date() != day or meetup.date_precision != Meetup.DatePrecision.EXACT:
            raise MeetupRefused(
                "The rule of the series gives the days. Move this meetup alone, or end the series and start another."
            )
        _retime(series, meetup)
    same = {name: changes[name] for name in changed - _DATE_FIELDS - _OF_ONE_MEETUP if name in changes}
    if "title" in same:
        MeetupSeries.objects.filter(pk=series.pk).update(title=same["title"])
    followers = list(following(series, day, at))
    for one in followers:
        values = same | (_times(series, one.series_day) if moved and one.series_day else {})
        if values:
            change_meetup(meetup=one, actor=actor, changes=values, at=at, detaches=False)
    note_act("change_series", actor=actor, meetup=meetup, fields=sorted(changed), following=len(followers))
    return 1 + len(followers)


@transaction.atomic
def end_series(*, series: MeetupSeries, actor: User, last_day: dt.date, reason: str, at: dt.datetime) -> int:
    """Let the series end with ``last_day``; returns how many meetups that takes away.

    Later ones that nobody has seen are discarded; the others are cancelled, so that every calendar hears of it.
    Those that were edited alone stay.
    """
    demand_organizer(actor, series.chapter)
    MeetupSeries.objects.filter(pk=series.pk).update(until=last_day)
    gone = list(following(series, last_day, at))
    for one in gone:
        if one.status == Meetup.Status.DRAFT:
            discard_meetup(meetup=one, actor=actor, at=at)
        else:
            cancel_meetup(meetup=one, actor=actor, reason=reason, at=at)
    note_act(
        "end_series",
        actor=actor,
        chapter=series.chapter,
        series=series.title,
        last_day=str(last_day),
        meetups=len(gone),
    )
    series.refresh_from_db()
    return len(gone)


def following(series: MeetupSeries, day: dt.date, at: dt.datetime) -> QuerySet[Meetup]:
    """Meetups of ``series`` after ``day`` that are to come, not cancelled, and not edited alone.

    In the order of their keys, as everybody who locks several meetups must.
    """
    later = Meetup.objects.filter(series=series, series_day__gt=day, is_detached=False, starts_at__gt=at)
    return later.exclude(status=Meetup.Status.CANCELLED).select_related("chapter").order_by("pk")


def _pattern(series: MeetupSeries) -> Meetup | None:
    """The meetup that new ones are like."""
    of_series = Meetup.objects.filter(series=series).exclude(status=Meetup.Status.CANCELLED)
    plain = of_series.filter(is_detached=False).order_by("-series_day").first()
    return plain or of_series.order_by("-series_day").first()


def _make(series: MeetupSeries, pattern: Meetup, day: dt.date, at: dt.datetime) -> Meetup:
    status = pattern.status if pattern.status != Meetup.Status.POLLING else Meetup.Status.DRAFT
    fields = copied_fields(pattern) | _times(series, day)
    fields |= {
        "status": status,
        "series": series,
        "series_day": day,
        # Followers heard of the series with its first meetup; they need no mail for each of the others.
        "announced_at": at if status != Meetup.Status.DRAFT else None,
    }
    made = create_meetup(chapter=series.chapter, actor=None, fields=fields, at=at)
    copy_questions(pattern, made)
    return made


def _times(series: MeetupSeries, day: dt.date) -> dict[str, Any]:
    """Start and end on ``day`` by the wall clock of the series: ten o'clock in winter and in summer."""
    wall = dt.datetime.combine(day, series.starts_at_time)
    start = nearest_moment(wall, series.time_zone)
    end = nearest_moment(wall + dt.timedelta(minutes=series.minutes), series.time_zone)
    return {
        "starts_at": start,
        "ends_at": end if end > start else start + dt.timedelta(minutes=series.minutes),
        "date_precision": Meetup.DatePrecision.EXACT,
        "time_zone": series.time_zone,
    }


def _retime(series: MeetupSeries, meetup: Meetup) -> None:
    """Take over the time of day and the length of ``meetup``."""
    when = meetup.when
    assert when.start is not None
    series.starts_at_time, series.time_zone = when.start.time(), meetup.time_zone
    if when.end is not None:
        series.minutes = max(1, int((when.end - when.start).total_seconds() // 60))
    series.save(update_fields=["starts_at_time", "time_zone", "minutes"])


def running_series(at: dt.datetime) -> QuerySet[MeetupSeries]:
    """Series that have not ended at ``at``; those of an archived chapter rest until it lives again."""
    running = MeetupSeries.objects.filter(Q(until__isnull=True) | Q(until__gte=at.date()))
    return running.exclude(chapter__status=Chapter.Status.ARCHIVED)
