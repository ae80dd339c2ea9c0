"""Wall clocks through the nights when they change."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from events.wall_clock import NoSuchTime, TwoSuchTimes, first_moment, moment_of, same_wall_clock

LONDON, NEW_YORK, KOLKATA = "Europe/London", "America/New_York", "Asia/Kolkata"


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "wall", "moment"),
    [
        (KOLKATA, dt.datetime(2026, 12, 13, 10, 0), utc(2026, 12, 13, 4, 30)),
        (LONDON, dt.datetime(2026, 3, 29, 0, 59), utc(2026, 3, 29, 0, 59)),
        (LONDON, dt.datetime(2026, 3, 29, 2, 0), utc(2026, 3, 29, 1, 0)),
        (NEW_YORK, dt.datetime(2026, 3, 8, 3, 0), utc(2026, 3, 8, 7, 0)),
        (NEW_YORK, dt.datetime(2026, 7, 4, 18, 30), utc(2026, 7, 4, 22, 30)),
    ],
)
def test_a_wall_clock_time_is_one_moment(zone: str, wall: dt.datetime, moment: dt.datetime) -> None:
    assert moment_of(wall, zone) == moment


@pytest.mark.parametrize(
    ("zone", "wall"), [(LONDON, dt.datetime(2026, 3, 29, 1, 30)), (NEW_YORK, dt.datetime(2026, 3, 8, 2, 0))]
)
def test_a_time_that_the_clocks_leave_out_is_refused_with_the_reason(zone: str, wall: dt.datetime) -> None:
    with pytest.raises(
        NoSuchTime, match=rf"clocks of {zone} go forward by 60 minutes and leave {wall:%H:%M} out"
    ):
        moment_of(wall, zone)
    with pytest.raises(NoSuchTime):
        moment_of(wall, zone, which="second")


def test_a_time_that_comes_twice_is_asked_about() -> None:
    wall = dt.datetime(2026, 10, 25, 1, 30)
    with pytest.raises(TwoSuchTimes) as asked:
        moment_of(wall, LONDON)
    assert asked.value.labels == ("01:30 BST (UTC+01:00)", "01:30 GMT (UTC+00:00)")
    assert moment_of(wall, LONDON, which="first") == utc(2026, 10, 25, 0, 30)
    assert moment_of(wall, LONDON, which="second") == utc(2026, 10, 25, 1, 30)


def test_which_means_nothing_where_a_time_comes_once() -> None:
    assert moment_of(dt.datetime(2026, 10, 25, 3), LONDON, which="second") == utc(2026, 10, 25, 3)


def test_a_day_begins_at_midnight_or_at_the_first_time_there_is() -> None:
    assert first_moment(dt.date(2026, 12, 13), KOLKATA) == utc(2026, 12, 12, 18, 30)
    # Cairo's clocks go from 23:59 to 01:00.
    began = first_moment(dt.date(2026, 4, 24), "Africa/Cairo")
    assert began == utc(2026, 4, 23, 22)
    assert f"{began.astimezone(ZoneInfo('Africa/Cairo')):%H:%M}" == "01:00"


def test_ten_o_clock_stays_ten_o_clock_in_another_zone() -> None:
    morning = moment_of(dt.datetime(2026, 7, 4, 10), LONDON)
    assert same_wall_clock(morning, LONDON, NEW_YORK) == utc(2026, 7, 4, 14)
    assert same_wall_clock(utc(2026, 7, 4, 9), LONDON, LONDON) == utc(2026, 7, 4, 9)


def test_a_time_that_the_new_zone_leaves_out_moves_forward() -> None:
    night = moment_of(dt.datetime(2026, 3, 29, 1, 30), KOLKATA)
    assert same_wall_clock(night, KOLKATA, LONDON) == utc(2026, 3, 29, 1, 30)
