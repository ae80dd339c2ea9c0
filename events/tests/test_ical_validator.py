"""The judge of calendars itself: each rule is broken once, and found."""

from pathlib import Path

import pytest

from events.ical import validator
from events.ical.validator import main, problems

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RDATE:20260329T020000,20270328T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""
EVENT = """BEGIN:VEVENT
UID:one@example.org
SEQUENCE:3
DTSTAMP:20261213T060000Z
LAST-MODIFIED:20261213T060000Z
STATUS:CONFIRMED
DTSTART;TZID=Europe/Berlin:20261213T100000
DTEND;TZID=Europe/Berlin:20261213T120000
SUMMARY:KVM\\, QEMU\\; libvirt\\nand \\\\ more
GEO:18.52043;73.85674
URL:https://example.org/a,b;c
CATEGORIES:Meetup,Pune
X-MADE-UP;X-A="b;c:d",e:anything, at; all \\q
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
DESCRIPTION:Soon
END:VALARM
END:VEVENT
"""
GOOD = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//EN
CALSCALE:GREGORIAN
REFRESH-INTERVAL;VALUE=DURATION:PT1H
{ZONE}{EVENT}END:VCALENDAR
"""
MAILED = GOOD.replace("CALSCALE:GREGORIAN", "METHOD:REQUEST").replace(
    "SEQUENCE:3",
    "SEQUENCE:3\nORGANIZER:mailto:portal@example.org"
    '\nATTENDEE;PARTSTAT=ACCEPTED;CN="A; B":mailto:a@example.org',
)


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def rules(data: bytes) -> set[str]:
    """Names of the rules that ``data`` breaks."""
    return {problem.rule for problem in problems(data)}


def test_good_calendars_break_nothing() -> None:
    assert problems(crlf(GOOD)) == []
    assert problems(crlf(MAILED)) == []


def test_lower_case_names_and_folds_are_as_good() -> None:
    assert (
        problems(
            crlf(GOOD.replace("SUMMARY:KVM", "summary:K\n V\n \tM").replace("BEGIN:VEVENT", "begin:vevent"))
        )
        == []
    )


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("line-length", b"SUMMARY:", b"SUMMARY:" + b"x" * 60),
        ("bare-lf", b"SEQUENCE:3\r\n", b"SEQUENCE:3\n"),
        ("bare-cr", b"SUMMARY:K", b"SUMMARY:K\rM"),
        ("control", b"SUMMARY:K", b"SUMMARY:K\x07"),
        ("utf-8", b"SUMMARY:K", b"SUMMARY:K\xff"),
        ("cut-character", b"SUMMARY:K", b"SUMMARY:\xc3\r\n \xa9"),
        ("empty-line", b"SEQUENCE:3\r\n", b"SEQUENCE:3\r\n\r\n"),
        ("name", b"SEQUENCE:3", b":3"),
        ("parameter", b"DTSTAMP:", b'DTSTAMP;X-A="b:'),
        ("parameter", b"DTSTAMP:", b"DTSTAMP;X-A=b\"c:"),
        ("parameter-twice", b"DTSTAMP:", b"DTSTAMP;X-A=b;X-A=c:"),
        ("nesting", b"END:VALARM\r\n", b""),
        ("nesting", b"END:VALARM\r\n", b"END:VALARM\r\nEND:VALARM\r\n"),
        ("component", b"VALARM", b"VEVENT"),
        ("once", b"UID:one@example.org\r\n", b""),
        ("once", b"SEQUENCE:3", b"UID:two"),
        ("once", b"DTSTAMP:20261213T060000Z\r\n", b""),
        ("once", b"PRODID:-//Example//EN\r\n", b""),
        ("once", b"VERSION:2.0\r\n", b""),
        ("once", b"TZID:Europe/Berlin\r\n", b""),
        ("once", b"TZOFFSETTO:+0100\r\n", b""),
        ("once", b"DTSTART;TZID=Europe/Berlin:20261213T100000\r\n", b""),
        ("at-most-once", b"SEQUENCE:3", b"SEQUENCE:3\r\nSUMMARY:Again"),
        ("unknown", b"SEQUENCE:3", b"SEQUENZ:3"),
        ("type", b"DTSTAMP:20261213T060000Z", b"DTSTAMP;VALUE=DATE:20261213"),
        ("type", b"REFRESH-INTERVAL;VALUE=DURATION", b"REFRESH-INTERVAL"),
        ("value", b"SEQUENCE:3", b"SEQUENCE:three"),
        ("value", b"SEQUENCE:3", b"SEQUENCE:-3"),
        ("value", b"DTSTAMP:20261213T060000Z", b"DTSTAMP:20261313T060000Z"),
        ("value", b"DTSTAMP:20261213T060000Z", b"DTSTAMP:20261213T250000Z"),
        ("value", b"GEO:18.52043;73.85674", b"GEO:98.5;73.8"),
        ("value", b"GEO:18.52043;73.85674", b"GEO:18.52043,73.85674"),
        ("value", b"URL:https://example.org/a,b;c", b"URL:example org"),
        ("value", b"SUMMARY:KVM\\,", b"SUMMARY:KVM,"),
        ("value", b"SUMMARY:KVM\\,", b"SUMMARY:KVM\\q"),
        ("value", b"TRIGGER:-PT15M", b"TRIGGER:15 minutes"),
        ("value", b"TZOFFSETTO:+0100", b"TZOFFSETTO:0100"),
        ("value", b"TZOFFSETTO:+0100", b"TZOFFSETTO:-0000"),
        ("value", b"RRULE:FREQ=YEARLY", b"RRULE:FREQ=OFTEN"),
        ("utc", b"DTSTAMP:20261213T060000Z", b"DTSTAMP:20261213T060000"),
        ("word", b"STATUS:CONFIRMED", b"STATUS:FINAL"),
        ("word", b"VERSION:2.0", b"VERSION:1.0"),
        ("word", b"TRANSP:TRANSPARENT", b"TRANSP:BUSY"),
        ("tzid", b"DTEND;TZID=Europe/Berlin:20261213T120000", b"DTEND;TZID=Europe/Berlin:20261213T120000Z"),
        ("zone", b"DTEND;TZID=Europe/Berlin", b"DTEND;TZID=Europe/Rome"),
        ("zone-offset", b"RDATE:20260329T020000,20270328T020000", b"RDATE:20261129T020000"),
        ("zone-begins", b"DTSTART;TZID=Europe/Berlin:2026", b"DTSTART;TZID=Europe/Berlin:1926"),
        ("onset", b"DTSTART:19700329T020000", b"DTSTART:19700329T010000Z"),
        ("end-twice", b"SEQUENCE:3", b"SEQUENCE:3\r\nDURATION:PT2H"),
        ("end-type", b"DTEND;TZID=Europe/Berlin:20261213T120000", b"DTEND;VALUE=DATE:20261214"),
        ("end-order", b"DTEND;TZID=Europe/Berlin:20261213T120000", b"DTEND;TZID=Europe/Berlin:20261213T100000"),
        ("end-order", b"DTEND;TZID=Europe/Berlin:20261213T120000", b"DTEND:20261213T085959Z"),
        ("organizer", b"SEQUENCE:3", b"SEQUENCE:3\r\nORGANIZER:mailto:a@example.org"),
    ],
)  # fmt: skip
def test_each_rule_is_missed_when_broken(rule: str, old: bytes, new: bytes) -> None:
    good = crlf(GOOD)
    assert old in good
    assert rule in rules(good.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ORGANIZER:mailto:portal@example.org\n", ""),
        ('ATTENDEE;PARTSTAT=ACCEPTED;CN="A; B":mailto:a@example.org\n', ""),
        ("METHOD:REQUEST", "METHOD:PUBLISH"),
    ],
)
def test_messages_need_what_their_method_needs(old: str, new: str) -> None:
    assert old in MAILED
    assert rules(crlf(MAILED.replace(old, new))) == {"method"}


def test_cancel_needs_a_sequence_but_no_start() -> None:
    cancel = MAILED.replace("METHOD:REQUEST", "METHOD:CANCEL")
    cancel = cancel.replace("DTSTART;TZID=Europe/Berlin:20261213T100000\n", "")
    assert rules(crlf(cancel.replace("DTEND;TZID=Europe/Berlin:20261213T120000\n", ""))) == set()
    assert "method" in rules(crlf(cancel.replace("SEQUENCE:3\n", "")))


@pytest.mark.parametrize("word", ["PARTSTAT=YES", "ROLE=BOSS", "RSVP=MAYBE"])
def test_words_of_parameters_are_known(word: str) -> None:
    assert rules(crlf(MAILED.replace("PARTSTAT=ACCEPTED", word))) == {"word"}


def test_uid_may_be_there_once_for_each_recurrence() -> None:
    assert rules(crlf(GOOD.replace(EVENT, EVENT + EVENT))) == {"repeated"}
    other = EVENT.replace("SEQUENCE:3", "SEQUENCE:3\nRECURRENCE-ID;TZID=Europe/Berlin:20261213T100000")
    assert rules(crlf(GOOD.replace(EVENT, EVENT + other))) == set()
    assert rules(crlf(GOOD.replace(ZONE, ZONE + ZONE))) == {"repeated"}


def test_there_is_one_calendar_with_something_in_it() -> None:
    assert rules(crlf(GOOD + GOOD)) == {"one-calendar"}
    assert rules(crlf(EVENT)) == {"one-calendar"}
    assert "one-calendar" in rules(b"")
    assert "no-component" in rules(crlf(GOOD.replace(ZONE, "").replace(EVENT, "")))
    assert rules(crlf("X-A:b\n" + GOOD)) == {"outside"}
    empty = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE\n"
    assert "empty-zone" in rules(crlf(GOOD.replace(ZONE, empty)))


def test_edges_of_the_file() -> None:
    good = crlf(GOOD)
    assert rules(b"\xef\xbb\xbf" + good) == {"bom"}
    assert rules(good[:-2]) == {"last-line"}
    assert rules(good[:-1]) >= {"last-line"}
    assert rules(b" x\r\n" + good) >= {"fold"}


def test_hostile_calendars_end_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "depth" in rules(b"BEGIN:VEVENT\r\n" * 50_000)
    assert rules(b"A" * 5_000_000) >= {"line-length", "last-line"}
    folds = b"BEGIN:VCALENDAR\r\nX-A:" + b"\r\n x" * 300_000 + b"\r\nEND:VCALENDAR\r\n"
    assert "no-component" in rules(folds)
    monkeypatch.setattr(validator, "MOST_BYTES", 10)
    assert rules(b"A" * 11) == {"size"}


def test_problems_are_told_with_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = tmp_path / "bad.ics", tmp_path / "good.ics"
    bad.write_bytes(crlf(GOOD).replace(b"VERSION:2.0", b"VERSION:1.0"))
    good.write_bytes(crlf(GOOD))
    assert main([str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    assert capsys.readouterr().out == f"{bad}: line 2: VERSION may not be “1.0”. [word]\n"
