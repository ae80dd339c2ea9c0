"""Which days a series of meetups takes: a small part of RFC 5545's RRULE (section 3.3.10), in words and in days.

Only rules that an organizer can choose in words are read. A rule from elsewhere that asks for every second, for the
thirtieth of February or for a million repetitions is refused before anything is computed.
"""

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Days that one look ahead may yield; a weekly series of half a year has 27.
MOST_DAYS = 120
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RULE = re.compile(
    r"FREQ=(?:WEEKLY(?:;INTERVAL=(?P<weeks>[1-4]))?;BYDAY=(?P<weekly>[A-Z]{2})"
    r"|MONTHLY(?:;INTERVAL=(?P<months>[1-6]))?;BYDAY=(?P<nth>[1-4]|-1)(?P<monthly>[A-Z]{2}))"
)
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}


class RuleRefused(ValueError):
    """A rule that is not one of those that can be chosen here."""


@dataclass(frozen=True)
class Rule:
    """Every ``interval`` weeks on ``weekday`` (Monday is 0), or every ``interval`` months on its ``nth``.

    An ``nth`` of 0 means weeks, -1 the last of the month.
    """

    weekday: int
    interval: int = 1
    nth: int = 0

    @classmethod
    def read(cls, text: str) -> "Rule":
        """The rule that ``text`` writes. Raises :class:`RuleRefused`."""
        found = _RULE.fullmatch(text)
        day = found and (found["weekly"] or found["monthly"])
        if found is None or day not in _DAYS:
            raise RuleRefused("A series repeats every few weeks, or on one weekday of every month.")
        interval = int(found["weeks"] or found["months"] or 1)
        return cls(_DAYS.index(day), interval, int(found["nth"] or 0))

    def __str__(self) -> str:
        every = f";INTERVAL={self.interval}" if self.interval > 1 else ""
        if self.nth:
            return f"FREQ=MONTHLY{every};BYDAY={self.nth}{_DAYS[self.weekday]}"
        return f"FREQ=WEEKLY{every};BYDAY={_DAYS[self.weekday]}"

    @property
    def words(self) -> str:
        """The rule as people say it: “every second Saturday of the month”."""
        day = calendar.day_name[self.weekday]
        if self.nth:
            month = "the month" if self.interval == 1 else f"every {_ORDINALS_OF[self.interval]} month"
            return f"every {_ORDINALS[self.nth]} {day} of {month}"
        return f"every {day}" if self.interval == 1 else f"{day} of every {_ORDINALS_OF[self.interval]} week"

    def days(self, *, start: dt.date, after: dt.date, until: dt.date) -> list[dt.date]:
        """The days of a series that begins on or after ``start``, later than ``after`` and no later than ``until``."""
        found: list[dt.date] = []
        for day in self._from(start):
            if day > until or len(found) == MOST_DAYS:
                break
            if day > after:
                found.append(day)
        return found

    def first(self, start: dt.date) -> dt.date:
        """The first day of a series that begins on or after ``start``."""
        return next(self._from(start))

    def _from(self, start: dt.date) -> Iterator[dt.date]:
        if self.nth:
            yield from self._monthly(start)
            return
        day = start + dt.timedelta(days=(self.weekday - start.weekday()) % 7)
        while day.year < dt.MAXYEAR - 1:
            yield day
            day += dt.timedelta(weeks=self.interval)

    def _monthly(self, start: dt.date) -> Iterator[dt.date]:
        month = start.year * 12 + start.month - 1
        if self._in_month(month) < start:
            month += 1
        while month // 12 < dt.MAXYEAR - 1:
            yield self._in_month(month)
            month += self.interval

    def _in_month(self, month: int) -> dt.date:
        first = dt.date(month // 12, month % 12 + 1, 1)
        if self.nth > 0:
            return first + dt.timedelta(days=(self.weekday - first.weekday()) % 7 + 7 * (self.nth - 1))
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        return last - dt.timedelta(days=(last.weekday() - self.weekday) % 7)


def words_of(text: str) -> str:
    """The rule that ``text`` writes, in words; something that says so where it cannot be read here."""
    try:
        return Rule.read(text).words
    except RuleRefused:
        return "a rule that cannot be read here"


_ORDINALS_OF = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}
