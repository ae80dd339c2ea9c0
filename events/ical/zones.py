"""VTIMEZONE components for zones of the IANA database (RFC 5545, section 3.6.5)."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class Onset:
    """The moment from which a zone keeps one offset; ``local`` is read on the clock as it was just before."""

    local: dt.datetime
    offset_from: dt.timedelta
    offset_to: dt.timedelta
    name: str
    is_daylight: bool


def zone_lines(tzid: str, years: Iterable[int]) -> tuple[str, ...]:
    """The content lines, unfolded, of a VTIMEZONE that is right for every local time in ``years``.

    Each change of the clocks is an observance of its own: a rule such as "last Sunday in March" would be a guess
    about years that no event lies in.
    """
    return _zone_lines(tzid, tuple(sorted(set(years))))


@lru_cache(maxsize=256)
def _zone_lines(tzid: str, years: tuple[int, ...]) -> tuple[str, ...]:
    onsets = list(_onsets(ZoneInfo(tzid), years))
    lines = ["BEGIN:VTIMEZONE", f"TZID:{tzid}"]
    for onset in onsets:
        # A zone that leaves its clocks alone gets the same bytes in every year.
        local = onset.local if len(onsets) > 1 else min(onset.local, dt.datetime(1970, 1, 1))
        kind = "DAYLIGHT" if onset.is_daylight else "STANDARD"
        lines += [
            f"BEGIN:{kind}",
            f"DTSTART:{local_stamp(local)}",
            f"TZOFFSETFROM:{_offset(onset.offset_from)}",
            f"TZOFFSETTO:{_offset(onset.offset_to)}",
            f"TZNAME:{onset.name}",
            f"END:{kind}",
        ]
    return (*lines, "END:VTIMEZONE")


def local_stamp(moment: dt.datetime) -> str:
    """A DATE-TIME value in form 1, local time; ``strftime`` would write the year 987 with three digits."""
    return f"{moment.year:04}{moment:%m%dT%H%M%S}"


def _onsets(zone: ZoneInfo, years: tuple[int, ...]) -> Iterator[Onset]:
    """The offset with which each run of years begins, and each change within it; a repetition is left out."""
    last: Onset | None = None
    for year in years or (1970,):
        if last is None or year - 1 not in years:
            first = _onset(zone, dt.datetime(year, 1, 1, tzinfo=zone).astimezone(dt.UTC), is_change=False)
            if last is None or first.offset_to != last.offset_to:
                last = first
                yield first
        for moment in _changes(zone, year):
            last = _onset(zone, moment, is_change=True)
            yield last


def _changes(zone: ZoneInfo, year: int) -> Iterator[dt.datetime]:
    """The moments (UTC) in the local ``year`` at which the zone's offset or its letters change."""
    moment = dt.datetime(year, 1, 1, tzinfo=zone).astimezone(dt.UTC)
    end = dt.datetime(year, 12, 31, 23, 59, 59, tzinfo=zone).astimezone(dt.UTC)
    while moment < end:
        following = min(moment + _DAY, end)
        if _state(zone, moment) != _state(zone, following):
            yield _first_moment(zone, moment, following)
        moment = following


def _first_moment(zone: ZoneInfo, before: dt.datetime, after: dt.datetime) -> dt.datetime:
    """The first second at which the zone is as it is ``after``; it changes once between the two."""
    old = _state(zone, before)
    while after - before > _SECOND:
        middle = before + dt.timedelta(seconds=(after - before) // _SECOND // 2)
        before, after = (middle, after) if _state(zone, middle) == old else (before, middle)
    return after


def _state(zone: ZoneInfo, moment: dt.datetime) -> tuple[dt.timedelta, dt.timedelta, str]:
    local = moment.astimezone(zone)
    return local.utcoffset() or dt.timedelta(), local.dst() or dt.timedelta(), local.tzname() or ""


def _onset(zone: ZoneInfo, moment: dt.datetime, *, is_change: bool) -> Onset:
    offset, saving, name = _state(zone, moment)
    before = _state(zone, moment - _SECOND)[0] if is_change else offset
    return Onset((moment + before).replace(tzinfo=None), before, offset, name, bool(saving))


def _offset(offset: dt.timedelta) -> str:
    """A UTC-OFFSET value; seconds only where there are some (before 1972)."""
    seconds = int(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{'-' if seconds < 0 else '+'}{hours:02}{rest // 60:02}"
    return f"{text}{rest % 60:02}" if rest % 60 else text
