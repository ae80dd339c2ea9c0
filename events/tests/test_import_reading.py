"""Files of other systems, kind ones and hostile ones, as they are read."""

import datetime as dt
import json
import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.imports.entries import Entry, ImportRefused, Reading
from events.imports.from_ics import read_ics
from events.imports.from_meetup_com import read_meetup_csv, read_meetup_json
from events.imports.plain_text import plain_text

NOW = dt.datetime(2026, 12, 13, 6, tzinfo=dt.UTC)
KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
CUSTOM = """BEGIN:VTIMEZONE
TZID:Our zone
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0400
TZOFFSETTO:+0400
END:STANDARD
END:VTIMEZONE
"""


def ics(*events: str, head: str = "") -> bytes:
    """A calendar file of the lines of some events."""
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//X//EN\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def read(data: bytes) -> Reading:
    return read_ics(data, zone="Asia/Kolkata", at=NOW)


def one(data: bytes) -> Entry:
    reading = read(data)
    assert reading.left_out == []
    (entry,) = reading.entries
    return entry


def starts(reading: Reading) -> list[str]:
    return [f"{entry.wall_clock:%Y-%m-%d %H:%M}" for entry in reading.entries]


def test_event_is_taken_whole() -> None:
    entry = one(
        ics(
            "UID:one@example.org\nSEQUENCE:4\nSUMMARY:KVM\\, QEMU\nDTSTART;TZID=Europe/Berlin:20260710T180000\n"
            "DTEND;TZID=Europe/Berlin:20260710T200000\nLOCATION:Hall\\, 1 Lane\nSTATUS:CONFIRMED\n"
            "URL:https://example.org/e\nDESCRIPTION:<p>First &amp; last</p><script>x()</script>"
        )
    )
    assert entry == Entry(
        source="ics:one@example.org",
        uid="one@example.org",
        sequence=4,
        title="KVM, QEMU",
        start=dt.datetime(2026, 7, 10, 18, tzinfo=BERLIN),
        end=dt.datetime(2026, 7, 10, 20, tzinfo=BERLIN),
        time_zone="Europe/Berlin",
        status="confirmed",
        description="First & last",
        place=type(entry.place)(address="Hall, 1 Lane"),
        url="https://example.org/e",
    )


@pytest.mark.parametrize(
    ("start", "head", "when", "zone"),
    [
        ("DTSTART:20260710T043000Z", "", "2026-07-10 10:00", "Asia/Kolkata"),
        ("DTSTART:20260710T100000", "", "2026-07-10 10:00", "Asia/Kolkata"),
        ("DTSTART:20260710T100000", "X-WR-TIMEZONE:Europe/Berlin\n", "2026-07-10 10:00", "Europe/Berlin"),
        ("DTSTART:20260710T043000Z", "X-WR-TIMEZONE:Europe/Berlin\n", "2026-07-10 06:30", "Europe/Berlin"),
        ("DTSTART:20260710T043000Z", "X-WR-TIMEZONE:../../etc\n", "2026-07-10 10:00", "Asia/Kolkata"),
        ("DTSTART;TZID=Our zone:20260710T100000", CUSTOM, "2026-07-10 11:30", "Asia/Kolkata"),
        ("DTSTART;TZID=India Standard Time:20260710T100000", "", "2026-07-10 10:00", "Asia/Calcutta"),
    ],
)
def test_times_are_read_in_the_zone_that_they_name(start: str, head: str, when: str, zone: str) -> None:
    entry = one(ics(f"UID:1\nSUMMARY:A\n{start}", head=head))
    assert (f"{entry.wall_clock:%Y-%m-%d %H:%M}", entry.time_zone) == (when, zone)


def test_whole_days_and_lengths() -> None:
    day = one(ics("UID:1\nSUMMARY:A\nDTSTART;VALUE=DATE:20260710\nDTEND;VALUE=DATE:20260711"))
    assert (day.is_day, day.start, day.end) == (True, dt.datetime(2026, 7, 10, tzinfo=KOLKATA), None)
    assert day.status == "tentative"
    days = one(ics("UID:1\nSUMMARY:A\nDTSTART;VALUE=DATE:20260710\nDTEND;VALUE=DATE:20260713"))
    assert days.end == dt.datetime(2026, 7, 13, tzinfo=KOLKATA)
    long = one(ics("UID:1\nSUMMARY:A\nDTSTART:20260710T043000Z\nDURATION:PT90M"))
    assert long.end
    assert long.start
    assert long.end - long.start == dt.timedelta(minutes=90)
    odd = one(ics("UID:1\nSUMMARY:A\nDTSTART:20260710T043000Z\nDTEND:20260710T033000Z"))
    assert odd.end is None


@pytest.mark.parametrize(
    ("told", "status"), [("CANCELLED", "cancelled"), ("TENTATIVE", "tentative"), ("CONFIRMED", "confirmed")]
)
def test_status_is_taken_over(told: str, status: str) -> None:
    assert one(ics(f"UID:1\nSUMMARY:A\nSTATUS:{told}\nDTSTART:20260710T043000Z")).status == status


def test_links_of_online_events_are_not_places() -> None:
    entry = one(ics("UID:1\nSUMMARY:A\nDTSTART:20260710T043000Z\nLOCATION:https://meet.example/x"))
    assert (entry.place.address, entry.online_url) == ("", "https://meet.example/x")
    entry = one(
        ics(
            "UID:1\nSUMMARY:A\nDTSTART:20260710T043000Z\nLOCATION:Hall\nCONFERENCE;VALUE=URI:https://meet.example/y"
        )
    )
    assert (entry.place.address, entry.online_url) == ("Hall", "https://meet.example/y")
    entry = one(ics("UID:1\nSUMMARY:A\nDTSTART:20260710T043000Z\nURL:javascript:alert(1)"))
    assert entry.url == ""


def test_series_becomes_single_days_on_the_wall_clock() -> None:
    reading = read(
        ics(
            "UID:s\nSUMMARY:A\nDTSTART;TZID=Europe/Berlin:20260912T180000\nDURATION:PT2H\n"
            "RRULE:FREQ=MONTHLY;BYDAY=2SA;COUNT=4\nEXDATE;TZID=Europe/Berlin:20261010T180000",
            "UID:s\nSUMMARY:Moved\nRECURRENCE-ID;TZID=Europe/Berlin:20261114T180000\nSEQUENCE:2\n"
            "DTSTART;TZID=Europe/Berlin:20261115T190000",
        )
    )
    assert starts(reading) == ["2026-09-12 18:00", "2026-12-12 18:00", "2026-11-15 19:00"]
    assert [entry.source for entry in reading.entries] == [
        "ics:s#20260912T180000",
        "ics:s#20261212T180000",
        "ics:s#20261114T180000",
    ]
    assert reading.entries[1].end == dt.datetime(2026, 12, 12, 20, tzinfo=BERLIN)
    assert reading.entries[2].title == "Moved"


def test_moved_day_of_a_series_may_be_named_in_utc() -> None:
    reading = read(
        ics(
            "UID:s\nSUMMARY:A\nDTSTART;TZID=Europe/Berlin:20260912T180000\nRRULE:FREQ=WEEKLY;COUNT=2",
            "UID:s\nSUMMARY:B\nRECURRENCE-ID:20260919T160000Z\nDTSTART;TZID=Europe/Berlin:20260920T180000",
        )
    )
    assert starts(reading) == ["2026-09-12 18:00", "2026-09-20 18:00"]


def test_series_that_goes_on_ends_a_year_ahead_and_others_when_they_say() -> None:
    reading = read(ics("UID:s\nSUMMARY:A\nDTSTART:20261001T043000Z\nRRULE:FREQ=MONTHLY"))
    assert len(reading.entries) == 15
    reading = read(
        ics("UID:s\nSUMMARY:A\nDTSTART:20261001T043000Z\nRRULE:FREQ=MONTHLY;UNTIL=20261201T043000Z")
    )
    assert starts(reading) == ["2026-10-01 10:00", "2026-11-01 10:00", "2026-12-01 10:00"]
    reading = read(ics("UID:s\nSUMMARY:A\nDTSTART;VALUE=DATE:20261001\nRDATE;VALUE=DATE:20261005,20261101"))
    assert starts(reading) == ["2026-10-01 00:00", "2026-10-05 00:00", "2026-11-01 00:00"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY;COUNT=3",
        "FREQ=DAILY;BYHOUR=1,2,3",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYSETPOS=9;BYDAY=MO",
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=1000000000",
    ],
)
def test_rules_without_measure_are_left_out_with_a_sentence(rule: str) -> None:
    reading = read(ics(f"UID:s\nSUMMARY:A\nDTSTART:20261001T043000Z\nRRULE:{rule}"))
    assert reading.entries == [] or rule == "FREQ=DAILY;INTERVAL=0"
    assert len(reading.left_out) == 1
    assert reading.left_out[0].reason.endswith(".")


def test_rules_that_never_come_true_take_a_bounded_time() -> None:
    event = "UID:s{}\nSUMMARY:A\nDTSTART:19900101T043000Z\nRRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31"
    began = time.monotonic()
    reading = read(ics(*(event.format(number) for number in range(400))))
    assert time.monotonic() - began < 15
    assert any("too long" in left.reason for left in reading.left_out)


@pytest.mark.parametrize(
    "event",
    [
        "UID:1\nSUMMARY:A",
        "UID:1\nSUMMARY:A\nDTSTART:yesterday",
        "UID:1\nSUMMARY:A\nDTSTART:19011213T043000Z",
        "UID:1\nSUMMARY:A\nDTSTART:99991231T235959Z",
        "UID:1\nSUMMARY:A\nDTSTART:00010101T000000Z",
        "UID:1\nSUMMARY:A\nDTSTART;VALUE=DATE:00010101",
        "UID:1\nSUMMARY:A\nDTSTART:20260101T000000Z\nDURATION:P999999999D",
    ],
)
def test_events_without_a_usable_date_are_left_out(event: str) -> None:
    reading = read(ics(event))
    assert reading.entries == []
    assert [left.title for left in reading.left_out] == ["A"]


def test_events_without_uid_are_told_apart_and_again() -> None:
    events = ("SUMMARY:A\nDTSTART:20260710T043000Z", "SUMMARY:B\nDTSTART:20260710T043000Z")
    sources = [entry.source for entry in read(ics(*events)).entries]
    assert len(set(sources)) == 2
    assert [entry.source for entry in read(ics(*events)).entries] == sources
    assert all(entry.uid == "" for entry in read(ics(*events)).entries)
    long = one(ics(f"UID:{'x' * 5000}\nSUMMARY:A\nDTSTART:20260710T043000Z"))
    assert len(long.source) < 200


@pytest.mark.parametrize(
    "data",
    [
        b"BEGIN:VCALENDAR",
        b"BEGIN:VCALENDAR\r\n" * 3,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nnonsense\r\nEND:VCALENDAR\r\n",
        "BEGIN:VCALENDAR\r\nX:é\r\nEND:VCALENDAR\r\n".encode("latin-1"),
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 60_000,
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\nEND:VEVENT\r\n" * 30_000 + b"END:VCALENDAR\r\n",
        ics(*["SUMMARY:A\nDTSTART:20260710T043000Z"] * 3999),
    ],
)
def test_damaged_and_hostile_calendars_are_refused_quickly(data: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(ImportRefused, match=r"\.$"):
        read(data)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "line",
    ["SUMMARY:" + "x\\,;" * 250_000, "SUMMARY:x" + "\r\n x" * 250_000, "SUMMARY" + ';a="b"' * 150_000 + ":x"],
)
def test_lines_of_a_mebibyte_end_in_time(line: str) -> None:
    began = time.monotonic()
    data = ics("UID:1\nDTSTART:20260710T043000Z").replace(b"UID:1", b"UID:1\r\n" + line.encode())
    assert len(one(data).title) <= 120
    assert time.monotonic() - began < 10


def test_control_characters_and_foreign_line_ends_write_no_properties() -> None:
    data = ics("UID:1\nSUMMARY:A\x00B\x07\u2028DTSTART:19990101T000000Z\nDTSTART:20260710T043000Z")
    entry = one(data)
    assert entry.title == "ABDTSTART:19990101T000000Z"
    assert entry.start == dt.datetime(2026, 7, 10, 4, 30, tzinfo=dt.UTC)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_in_a_calendar_are_read_or_refused(noise: bytes) -> None:
    data = ics("UID:1\nSUMMARY:A\nDTSTART:20260710T043000Z").replace(b"SUMMARY:A", b"SUMMARY:A" + noise)
    try:
        read(data)
    except ImportRefused:
        pass


# ------------------------------------------------------------------------------------ plain text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        (
            'See <a href="https://x.example/a?b=1&amp;c=2">this</a>.',
            "See this (https://x.example/a?b=1&c=2).",
        ),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/"),
        ('<a href="javascript:alert(1)">this</a>', "this"),
        ("<b>bold</b> &lt;script&gt;", "bold <script>"),
        ("<p>a</p><script>alert(1)</script><style>p{}</style><!-- c -->b", "a\n\nb"),
        ("1 < 2 and 3 > 2 & so on", "1 < 2 and 3 > 2 & so on"),
        ("use <vm> & <disk>", "use <vm> & <disk>"),
        ("a\r\n\r\n\r\n\r\nb  \n c", "a\n\nb\nc"),
    ],
)
def test_descriptions_become_plain_text(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_descriptions_are_bounded_in_length_and_time() -> None:
    began = time.monotonic()
    assert len(plain_text("x" * 100_000)) == 10_000
    for nest in ("<b>", "<div>", "<a href='x'>", "<p><table><tr><td>"):
        plain_text(nest * 200_000)
    assert time.monotonic() - began < 10


# ------------------------------------------------------------------------------------ meetup.com

REST = {
    "id": "abcdlq",
    "name": "KVM evening",
    "time": 1783686600000,
    "duration": 7200000,
    "status": "past",
    "local_date": "2026-07-10",
    "local_time": "18:00",
    "utc_offset": 19800000,
    "link": "https://www.meetup.com/osvi/events/abcdlq/",
    "description": "<p>Hello</p>",
    "yes_rsvp_count": 23,
    "created": 1,
    "group": {"id": 1, "name": "OSVI", "timezone": "Asia/Kolkata", "created": 5},
    "venue": {"id": 3, "name": "Hall", "address_1": "1 Lane", "city": "Pune", "lat": 18.52, "lon": 73.86},
}
GRAPHQL = {
    "id": "301",
    "title": "KVM evening",
    "dateTime": "2026-07-10T18:00+05:30",
    "endTime": "2026-07-10T20:00+05:30",
    "status": "PAST",
    "eventUrl": "https://www.meetup.com/osvi/events/301/",
    "description": "Hello",
    "going": 23,
    "venue": {"name": "Hall", "address": "1 Lane", "city": "Pune", "lat": 18.52, "lng": 73.86},
}


def read_json(value: Any) -> Reading:
    return read_meetup_json(json.dumps(value).encode(), zone="Europe/Berlin")


@pytest.mark.parametrize(
    "value",
    [
        [REST],
        {"results": [REST], "meta": {"count": 1}},
        REST,
        {"data": {"groupByUrlname": {"id": 9, "name": "OSVI", "pastEvents": {"edges": [{"node": GRAPHQL}]}}}},
    ],
)
def test_meetup_com_is_read_in_each_of_its_shapes(value: Any) -> None:
    (entry,) = read_json(value).entries
    assert entry.source in ("meetup.com:abcdlq", "meetup.com:301")
    assert entry.title == "KVM evening"
    assert entry.start == dt.datetime(2026, 7, 10, 18, tzinfo=KOLKATA)
    assert entry.end == dt.datetime(2026, 7, 10, 20, tzinfo=KOLKATA)
    assert entry.status == "confirmed"
    assert entry.description == "Hello"
    assert (entry.place.name, entry.place.address) == ("Hall", "1 Lane\nPune")
    assert (entry.place.latitude, entry.place.longitude) == (18.52, 73.86)
    assert entry.signed_up == 23
    assert entry.url.startswith("https://www.meetup.com/osvi/events/")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "cancelled"}, {"status": "cancelled"}),
        ({"status": "CANCELLED"}, {"status": "cancelled"}),
        ({"status": "draft"}, {"status": "draft"}),
        ({"status": "proposed", "time": None, "local_date": None}, {"status": "idea", "start": None}),
        ({"time": None}, {"start": dt.datetime(2026, 7, 10, 18, tzinfo=KOLKATA)}),
        ({"duration": None}, {"end": None}),
        ({"duration": "PT1H30M"}, {"end": dt.datetime(2026, 7, 10, 19, 30, tzinfo=KOLKATA)}),
        ({"group": {}}, {"time_zone": "Europe/Berlin"}),
        ({"venue": {"name": "Online event", "lat": 0, "lon": 0}}, {"signed_up": 23}),
        ({"yes_rsvp_count": "many"}, {"signed_up": None}),
    ],
)
def test_fields_of_meetup_com(change: dict[str, Any], expected: dict[str, Any]) -> None:
    (entry,) = read_json([REST | change]).entries
    assert {name: getattr(entry, name) for name in expected} == expected


def test_online_event_of_meetup_com_has_a_link_and_no_place() -> None:
    event = GRAPHQL | {"eventType": "ONLINE", "howToFindUs": "https://meet.example/x"}
    (entry,) = read_json([event]).entries
    assert (entry.online_url, entry.place.name) == ("https://meet.example/x", "")


def test_members_of_an_export_are_not_taken() -> None:
    event = REST | {
        "rsvps": {"yesCount": 2, "edges": [{"node": {"member": {"name": "Ravi", "email": "r@x.example"}}}]}
    }
    (entry,) = read_json([event]).entries
    assert "Ravi" not in repr(entry)
    assert entry.signed_up == 2


@pytest.mark.parametrize(
    "start", ["yesterday", 10**13 * 9, -5, "2026-13-40T00:00", [1], {"a": 1}, True, "9" * 14]
)
def test_rubbish_dates_are_left_out(start: Any) -> None:
    reading = read_json([REST | {"time": start, "local_date": ""}])
    assert (len(reading.entries), len(reading.left_out)) == (0, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"[",
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b"{}",
        b"[" + b"1," * 500_000 + b"1]",
        b'[{"a":' * 1000 + b"1" + b"}]" * 1000,
        b"[" + b"[]," * 300_000 + b"[]]",
        b"[" + b"9" * 900_000 + b"]",
        b'{"id": 1, "name": "no time"}',
        b'["\xff"]',
    ],
)
def test_damaged_and_hostile_json_is_refused_quickly(data: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(ImportRefused, match=r"\.$"):
        read_meetup_json(data, zone="Asia/Kolkata")
    assert time.monotonic() - began < 10


def test_too_many_events_are_refused() -> None:
    with pytest.raises(ImportRefused, match="more than 500"):
        read_json([REST | {"id": str(number)} for number in range(501)])


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(sorted(REST) + sorted(GRAPHQL)),
)
def test_any_value_in_any_field_is_read_or_refused(value: Any, name: str) -> None:
    for event in (REST, GRAPHQL):
        try:
            read_json([event | {name: value}])
        except ImportRefused:
            pass


# ------------------------------------------------------------------------------------ tables


def test_table_is_read_by_its_names() -> None:
    data = (
        "\ufeffEvent ID;Event Name;Date;Time;Duration;Venue Name;Address;Status;Going\r\n"
        '7;"KVM; QEMU";2026-07-10;18:00;120;Hall;"1 Lane";past;23\r\n'
        ";;;;;;;;\r\n"
        "8;Next;2026-08-10;18:30;;;;cancelled;\r\n"
    ).encode()
    first, second = read_meetup_csv(data, zone="Asia/Kolkata").entries
    assert (first.source, first.title) == ("meetup.com:7", "KVM; QEMU")
    assert first.start == dt.datetime(2026, 7, 10, 18, tzinfo=KOLKATA)
    assert first.end == dt.datetime(2026, 7, 10, 20, tzinfo=KOLKATA)
    assert (first.place.name, first.place.address, first.signed_up) == ("Hall", "1 Lane", 23)
    assert (second.status, second.end) == ("cancelled", None)


@pytest.mark.parametrize(
    ("header", "cell"),
    [("time", "1783686600000"), ("dateTime", "2026-07-10T18:00+05:30"), ("start", "2026-07-10 18:00")],
)
def test_table_takes_each_kind_of_time(header: str, cell: str) -> None:
    data = f"name,{header}\nA,{cell}\n".encode()
    (entry,) = read_meetup_csv(data, zone="Asia/Kolkata").entries
    assert entry.start == dt.datetime(2026, 7, 10, 18, tzinfo=KOLKATA)


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"a,b,c\n1,2,3\n",
        b"title\nA\n",
        b'title,date\n"' + b"x" * 900_000,
        b"\xff\xfe",
        b"\x00" * 1000,
        b"title,date" + b",x" * 400_000,
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ImportRefused, match=r"\.$"):
        read_meetup_csv(data, zone="Asia/Kolkata")


@pytest.mark.parametrize("hidden", ["deep", "many"])
def test_events_under_too_many_parts_are_not_looked_for(hidden: str) -> None:
    value: Any = REST
    if hidden == "deep":
        for _ in range(30):
            value = [value]
    else:
        value = [*[[]] * 200_001, REST]
    with pytest.raises(ImportRefused, match="too many parts"):
        read_json(value)
