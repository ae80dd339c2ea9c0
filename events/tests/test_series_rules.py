"""The days of a series, beside what dateutil reads in the same rule."""

import datetime as dt

import pytest
from dateutil.rrule import rrulestr

from events.series_rules import MOST_DAYS, Rule, RuleRefused, words_of

D = dt.date
RULES = [
    "FREQ=WEEKLY;BYDAY=TH",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA",
    "FREQ=MONTHLY;BYDAY=1MO",
    "FREQ=MONTHLY;BYDAY=2SA",
    "FREQ=MONTHLY;BYDAY=4SU",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;INTERVAL=3;BYDAY=1TU",
]


@pytest.mark.parametrize("text", RULES)
@pytest.mark.parametrize("start", [D(2026, 1, 31), D(2026, 12, 12), D(2028, 2, 29), D(2027, 8, 7)])
def test_days_are_those_that_the_standard_gives(text: str, start: dt.date) -> None:
    rule = Rule.read(text)
    assert str(rule) == text
    first = rule.first(start)
    until = first + dt.timedelta(days=400)
    # dateutil counts intervals from DTSTART, which RFC 5545 wants to be the first of the series.
    expected = rrulestr(text, dtstart=dt.datetime.combine(first, dt.time())).between(
        dt.datetime.combine(first, dt.time()), dt.datetime.combine(until, dt.time()), inc=True
    )
    assert rule.days(start=start, after=start - dt.timedelta(days=1), until=until) == [
        day.date() for day in expected
    ]


def test_days_begin_after_what_was_made_and_end_with_the_last_day() -> None:
    rule = Rule.read("FREQ=MONTHLY;BYDAY=2SA")
    days = rule.days(start=D(2026, 12, 12), after=D(2026, 12, 12), until=D(2027, 3, 13))
    assert days == [D(2027, 1, 9), D(2027, 2, 13), D(2027, 3, 13)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FREQ=MONTHLY;BYDAY=2SA", "every second Saturday of the month"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every last Friday of the month"),
        ("FREQ=WEEKLY;BYDAY=TH", "every Thursday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "Thursday of every second week"),
        ("FREQ=SECONDLY", "a rule that cannot be read here"),
    ],
)
def test_a_rule_reads_as_people_say_it(text: str, words: str) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=SECONDLY",
        "FREQ=DAILY",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=MO,TU",
        "FREQ=WEEKLY;INTERVAL=0;BYDAY=MO",
        "FREQ=WEEKLY;INTERVAL=99999999999999;BYDAY=MO",
        "FREQ=MONTHLY;BYDAY=5SA",
        "FREQ=MONTHLY;BYDAY=0SA",
        "FREQ=MONTHLY;BYMONTHDAY=30;BYMONTH=2",
        "FREQ=WEEKLY;BYDAY=MO;COUNT=1000000",
        "FREQ=WEEKLY;BYDAY=MO\nX",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
        "freq=weekly;byday=mo",
    ],
)
def test_hostile_rules_are_refused_unread(text: str) -> None:
    with pytest.raises(RuleRefused):
        Rule.read(text)


def test_a_look_ahead_is_bounded_whatever_it_is_asked() -> None:
    rule = Rule.read("FREQ=WEEKLY;BYDAY=MO")
    assert len(rule.days(start=D(2026, 1, 1), after=D(2026, 1, 1), until=dt.date.max)) == MOST_DAYS
    assert rule.days(start=D(9998, 1, 1), after=D(9998, 1, 1), until=dt.date.max) == []
