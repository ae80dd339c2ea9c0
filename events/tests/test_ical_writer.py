"""What is written: lines, escapes and zones, read again by others."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from events.ical.content import read_content
from events.ical.validator import problems
from events.ical.writer import Calendar, Event, Party, clean, folded, write_calendar
from events.ical.zones import zone_lines
from events.tests.calendar_reading import read_events

STAMP = dt.datetime(2026, 12, 13, 6, tzinfo=dt.UTC)
EVENT = Event(
    uid="one",
    sequence=0,
    stamp=STAMP,
    summary="S",
    start=dt.datetime(2026, 12, 20, 10, tzinfo=ZoneInfo("Asia/Kolkata")),
)
DST_ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Europe/Dublin",
    "America/Asuncion",
    "Africa/Cairo",
    "Pacific/Apia",
]
STEADY_ZONES = ["Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "America/Caracas", "Pacific/Kiritimati"]


def written(*events: Event, **fields: Any) -> bytes:
    return write_calendar(Calendar(events=events, time_zone="Asia/Kolkata", **fields))


def vtimezone(tzid: str, *years: int) -> icalendar.Timezone:
    lines = "\r\n".join(zone_lines(tzid, years)) + "\r\n"
    component = icalendar.Timezone.from_ical(lines)
    assert isinstance(component, icalendar.Timezone)
    return component


# Unicode's whole range, surrogates too: a form lets them in, and no file may hold them.
texts = st.text(max_size=300)


@settings(max_examples=300, deadline=None)
@given(title=texts, description=texts, place=texts, category=texts, name=texts)
def test_any_text_comes_back_from_a_valid_calendar(
    title: str, description: str, place: str, category: str, name: str
) -> None:
    event = replace(
        EVENT, summary=title, description=description, location=place, categories=(category, "Meetup")
    )
    data = written(event, name=name, method="")
    (found,) = read_events(data).values()
    assert found["SUMMARY"] == clean(title)
    assert found.get("DESCRIPTION", "") == clean(description)
    assert found.get("LOCATION", "") == clean(place)
    assert [str(entry) for entry in found["CATEGORIES"].cats] == [clean(category), "Meetup"]
    # One property a line for a reader that ends lines wherever Python does.
    assert len(data.decode().splitlines()) == data.count(b"\r\n")


@settings(max_examples=200, deadline=None)
@given(name=texts, address=st.emails())
@example(name="\\,", address="a@example.org")
def test_any_name_comes_back_from_a_parameter(name: str, address: str) -> None:
    party = Party(name, address, "ACCEPTED")
    data = written(replace(EVENT, organizer=Party("P", "p@example.org"), attendee=party), method="REQUEST")
    (calendar,), _ = read_content(data)
    (attendee,) = (entry for part in calendar.walk() for entry in part.all("ATTENDEE"))
    signs = {"^n": "\n", "^'": '"', "^^": "^"}  # RFC 6868, section 3.2
    shown = re.sub(r"\^[n'^]", lambda found: signs[found[0]], attendee.parameter("CN"))
    assert shown == clean(name)
    if (
        "^" not in name and "\\" not in name
    ):  # icalendar turns some of RFC 6868 back, and escapes that are none here
        (found,) = read_events(data).values()
        plain = str(found["ATTENDEE"].params["CN"])
        assert plain.replace("^n", "\n").replace("^'", '"') == clean(name)


def test_clean_text_has_one_kind_of_line_end_and_no_controls() -> None:
    assert clean("a\r\nb\rc\x85d\u2028e\x0bf") == "a\nb\nc\nd\ne\nf"
    assert clean("a\x00b\x7fc\td\ud800") == "abc\td"


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_folds_keep_within_75_octets_and_characters(text: str) -> None:
    data = folded("X-A:" + text)
    lines = data.removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert "".join(line.decode()[index > 0 :] for index, line in enumerate(lines)) == "X-A:" + text
    # Not a fold more than is needed: each line but the last is as full as its next character allows.
    assert all(len(line) > 71 for line in lines[:-1])


def test_line_of_exactly_75_octets_is_not_folded() -> None:
    assert folded("X" * 75) == b"X" * 75 + b"\r\n"
    assert folded("X" * 76) == b"X" * 75 + b"\r\n X\r\n"


def test_links_write_nothing_but_a_uri() -> None:
    event = replace(EVENT, url='https://e.org/a b"\r\nX-EVIL:1', join_url="https://e.org/पुणे?a=b;c,d")
    (found,) = read_events(written(event)).values()
    assert found["URL"] == "https://e.org/a%20b%22%0D%0AX-EVIL:1"
    assert found["CONFERENCE"] == "https://e.org/%E0%A4%AA%E0%A5%81%E0%A4%A3%E0%A5%87?a=b;c,d"


@pytest.mark.parametrize("tzid", DST_ZONES + STEADY_ZONES)
def test_zone_has_the_right_offset_at_every_hour_of_its_years(tzid: str) -> None:
    zone = ZoneInfo(tzid)
    read = vtimezone(tzid, 2025, 2026, 2030).to_tz(lookup_tzid=False)
    for year in (2025, 2026, 2030):
        moment = dt.datetime(year, 1, 1)
        while moment.year == year:
            # An hour that does not exist, or is there twice, is a question of its own.
            local = moment.replace(tzinfo=zone)
            if (
                local.astimezone(dt.UTC).astimezone(zone) == local
                and local.utcoffset() == local.replace(fold=1).utcoffset()
            ):
                assert moment.replace(tzinfo=read).utcoffset() == local.utcoffset(), local
            moment += dt.timedelta(hours=1)


def test_zone_changes_at_the_second_and_by_the_clock_as_it_was() -> None:
    lines = zone_lines("Europe/Berlin", [2026])
    assert "DTSTART:20260329T020000" in lines
    assert "DTSTART:20261025T030000" in lines
    assert lines.count("BEGIN:STANDARD") == 2
    assert lines.count("BEGIN:DAYLIGHT") == 1


def test_zone_without_changes_is_the_same_in_every_year() -> None:
    assert zone_lines("Asia/Kolkata", [2026]) == zone_lines("Asia/Kolkata", [2031, 2026])
    assert "DTSTART:19700101T000000" in zone_lines("Asia/Kolkata", [])


def test_zone_has_nothing_of_years_that_no_event_lies_in() -> None:
    lines = zone_lines("Europe/Berlin", [2026, 9000])
    assert len([line for line in lines if line.startswith("DTSTART")]) <= 6
    assert not any("DTSTART:2027" in line for line in lines)


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(dt.datetime(1971, 1, 2), dt.datetime(2100, 1, 1)),
    length=st.timedeltas(dt.timedelta(minutes=1), dt.timedelta(days=3)),
    tzid=st.sampled_from([*DST_ZONES, *STEADY_ZONES, "UTC"]),
)
def test_any_moment_in_any_zone_comes_back(start: dt.datetime, length: dt.timedelta, tzid: str) -> None:
    moment = start.replace(microsecond=0, tzinfo=dt.UTC).astimezone(ZoneInfo(tzid))
    end = (moment.astimezone(dt.UTC) + length).replace(microsecond=0).astimezone(ZoneInfo(tzid))
    (found,) = read_events(written(replace(EVENT, start=moment, end=end))).values()
    assert found.start.astimezone(dt.UTC) == moment.astimezone(dt.UTC)
    assert found.end.astimezone(dt.UTC) == end.astimezone(dt.UTC)


def test_hour_that_is_there_twice_is_told_apart() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = dt.datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    assert b"DTSTART;TZID=Europe/Berlin:20261025T023000\r\n" in written(replace(EVENT, start=first))
    second = written(replace(EVENT, start=first.replace(fold=1)))
    assert b"DTSTART:20261025T013000Z\r\n" in second
    assert problems(second) == []


def test_end_of_the_year_is_in_the_zone_too() -> None:
    zone = ZoneInfo("Australia/Sydney")
    start = dt.datetime(2026, 12, 31, 22, tzinfo=zone)
    data = written(replace(EVENT, start=start, end=start + dt.timedelta(hours=5)))
    assert problems(data) == []
    assert b"DTSTART:20270404T030000" in data


def test_same_calendar_is_the_same_bytes() -> None:
    events = [replace(EVENT, uid=str(number)) for number in range(3)]
    assert written(*events) == written(*events)
    assert problems(written(*events, name="N", description="D", refresh=dt.timedelta(minutes=90))) == []
