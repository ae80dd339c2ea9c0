"""Times as people at a place read them, and the moments that they mean. Knows nothing of Django."""

import datetime as dt
from zoneinfo import ZoneInfo


class NoSuchTime(ValueError):
    """The clocks go forward over it that night. The message is a sentence for the person who typed it."""


class TwoSuchTimes(ValueError):
    """The clocks go back over it, so that it comes twice. The message names both.

    ``labels`` are the two, the first first: ``01:30 BST (UTC+01:00)``.
    """

    def __init__(self, message: str, labels: tuple[str, str]) -> None:
        super().__init__(message)
        self.labels = labels


def moment_of(wall: dt.datetime, zone: str, *, which: str = "") -> dt.datetime:
    """The moment, in UTC, at which the clocks of ``zone`` show ``wall``, a naive time.

    ``which`` is "first" or "second" for a time that comes twice. Raises :class:`NoSuchTime` and, where ``which`` is
    empty, :class:`TwoSuchTimes`; PEP 495 tells the two apart by the offsets before and after the change. UTC,
    because an aware time that comes twice equals no time of another zone.
    """
    place = ZoneInfo(zone)
    first, second = wall.replace(tzinfo=place, fold=0), wall.replace(tzinfo=place, fold=1)
    before, after = _offset(first), _offset(second)
    if before < after:
        jump = int((after - before).total_seconds() // 60)
        raise NoSuchTime(
            f"On {_day(wall)} the clocks of {zone} go forward by {jump} minutes and leave {wall:%H:%M} out. "
            f"Give a time before or after that."
        )
    if before > after and not which:
        labels = (_label(first), _label(second))
        raise TwoSuchTimes(
            f"On {_day(wall)} the clocks of {zone} go back and show {wall:%H:%M} twice: first {labels[0]}, "
            f"then {labels[1]}. Say which one you mean.",
            labels,
        )
    return (second if which == "second" and before > after else first).astimezone(dt.UTC)


def first_moment(day: dt.date, zone: str) -> dt.datetime:
    """When ``day`` begins in ``zone``, in UTC: midnight, or where the clocks leave it out, the first time there is."""
    return dt.datetime.combine(day, dt.time.min, ZoneInfo(zone)).astimezone(dt.UTC)


def nearest_moment(wall: dt.datetime, zone: str) -> dt.datetime:
    """The moment, in UTC, at which the clocks of ``zone`` show ``wall``, for times that nobody can be asked about.

    Of a time that comes twice the first; a time that is left out moves forward by the gap.
    """
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(dt.UTC)


def same_wall_clock(moment: dt.datetime, old_zone: str, new_zone: str) -> dt.datetime:
    """The moment, in UTC, at which clocks in ``new_zone`` show what those in ``old_zone`` show at ``moment``.

    Of a time that comes twice the first; a time that ``new_zone`` leaves out moves forward by the gap.
    """
    return nearest_moment(moment.astimezone(ZoneInfo(old_zone)).replace(tzinfo=None), new_zone)


def _offset(moment: dt.datetime) -> dt.timedelta:
    return moment.utcoffset() or dt.timedelta()


def _day(wall: dt.datetime) -> str:
    return f"{wall.day} {wall:%B %Y}"


def _label(moment: dt.datetime) -> str:
    offset = f"{moment:%z}"
    name = moment.tzname() or ""
    letters = f" {name}" if name[:1].isalpha() else ""
    return f"{moment:%H:%M}{letters} (UTC{offset[:3]}:{offset[3:5]})"
