"""The form that makes and edits a meetup. Times are typed on the wall clock of the meetup's own zone."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField

from events.forms.edit_base import EditForm
from events.forms.web_address import HttpsField
from events.models import Chapter, Meetup, Venue
from events.wall_clock import NoSuchTime, TwoSuchTimes, first_moment, moment_of
from portal.accounts.models import validate_time_zone

Precision = Meetup.DatePrecision
#: Meetups that are being planned lie within these years; a slip of the keyboard does not.
YEARS = range(1990, 2100)
MAX_TOPICS = 5
_WALL = "%Y-%m-%dT%H:%M"
#: Fields that are called the same and hold the same in the form and in the row.
_SAME = (
    "title",
    "summary",
    "date_precision",
    "time_zone",
    "mode",
    "venue",
    "online_url",
    "takes_rsvps",
    "capacity",
    "waitlist",
    "offer_hours",
    "guests_allowed",
    "asks_reconfirmation",
)


class _Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"class": "short"})


class _Time(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M", attrs={"class": "short"})


class _DayAndTime(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format=_WALL, attrs={"class": "short"})


def _check_year(day: dt.date) -> None:
    if day.year not in YEARS:
        raise ValidationError(f"Give a year from {YEARS[0]} to {YEARS[-1]}.")


class DayField(forms.DateField):
    """A day on the wall calendar."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=_Day(), validators=[_check_year], required=False, **kwargs)


class WallClockField(forms.Field):
    """A day and time on the wall clock of the meetup, naive. Django's own would read it in the reader's zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=_DayAndTime(), validators=[_check_year], required=False, **kwargs)

    def to_python(self, value: Any) -> dt.datetime | None:
        if value in self.empty_values:
            return None
        try:
            return dt.datetime.strptime(str(value), _WALL)
        except ValueError:
            raise ValidationError("Give a day and a time.") from None


def _which(label: str) -> forms.ChoiceField:
    """Which of two equal times is meant, in the night when the clocks go back."""
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", "Choose"), ("first", "The first"), ("second", "The second")],
    )


class MeetupForm(EditForm):
    """Everything that an organizer decides about a meetup but its state."""

    title = forms.CharField(max_length=120)
    summary = forms.CharField(max_length=200, required=False, help_text="One sentence for lists and mails.")
    description = forms.CharField(
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Plain text; an empty line starts a paragraph.",
    )
    topics = forms.CharField(
        max_length=250, required=False, help_text="Up to five, with commas between them: migration, storage."
    )
    date_precision = forms.ChoiceField(
        label="How much of the date is known", choices=Precision.choices, initial=Precision.NONE
    )
    day = DayField(help_text="For a month alone, any day in it. Empty: the date is open.")
    start_time = forms.TimeField(label="Starts at", required=False, widget=_Time())
    which_start = _which("Which start")
    end_day = DayField(label="Last day", help_text="Empty: it ends on the same day.")
    end_time = forms.TimeField(label="Ends at", required=False, widget=_Time())
    which_end = _which("Which end")
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        validators=[validate_time_zone],
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text="All times here are those of this zone. With another zone, ten o’clock stays ten o’clock.",
    )
    mode = forms.ChoiceField(label="How people meet", choices=Meetup.Mode.choices)
    venue = forms.ModelChoiceField(
        queryset=Venue.objects.none(), required=False, empty_label="Open, or described below"
    )
    venue_notes = forms.CharField(
        label="How to get there",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Which floor, which bell; or the whole place in words.",
    )
    online_url = HttpsField(
        label="Address of the video meeting",
        max_length=500,
        required=False,
        help_text="Shown to those who have a seat and to organizers, and in no feed.",
    )
    takes_rsvps = forms.BooleanField(label="People sign up here", required=False)
    capacity = forms.IntegerField(
        label="Seats",
        min_value=1,
        max_value=100_000,
        required=False,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text="Guests included. Empty: no limit.",
    )
    waitlist = forms.ChoiceField(label="When it is full", choices=Meetup.Waitlist.choices)
    offer_hours = forms.IntegerField(
        label="Hours that an offered seat is held",
        min_value=1,
        max_value=336,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )
    guests_allowed = forms.IntegerField(
        label="Guests that each person may bring",
        min_value=0,
        max_value=20,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )
    registration_opens = WallClockField(label="Signing up opens", help_text="Empty: at once.")
    registration_closes = WallClockField(
        label="Signing up closes", help_text="Empty: when the meetup starts."
    )
    asks_reconfirmation = forms.BooleanField(
        label="Ask everybody 48 hours before whether they still come", required=False
    )

    SECTIONS = (
        ("What it is about", ("title", "summary", "description", "topics")),
        (
            "When",
            (
                "date_precision",
                "day",
                "start_time",
                "which_start",
                "end_day",
                "end_time",
                "which_end",
                "time_zone",
            ),
        ),
        ("Where", ("mode", "venue", "venue_notes", "online_url")),
        (
            "Seats",
            (
                "takes_rsvps",
                "capacity",
                "waitlist",
                "offer_hours",
                "guests_allowed",
                "registration_opens",
                "registration_closes",
                "asks_reconfirmation",
            ),
        ),
    )

    def __init__(self, *args: Any, chapter: Chapter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        venue = self.fields["venue"]
        assert isinstance(venue, forms.ModelChoiceField)
        venue.queryset = Venue.objects.filter(chapter=chapter)
        #: The two readings of a start or an end that comes twice; the question is drawn only then.
        self.doubled: set[str] = {name for name in ("start", "end") if self.data.get(f"which_{name}")}

    def sections(self) -> Iterator[tuple[str, list[BoundField]]]:
        """Headings and their fields, in order. The question which of two times is meant appears where it arises."""
        hidden = {f"which_{name}" for name in ("start", "end") if name not in self.doubled}
        for heading, names in self.SECTIONS:
            yield heading, [self[name] for name in names if name not in hidden]

    def clean_topics(self) -> list[str]:
        """Names without doubles, as they were typed."""
        names: dict[str, str] = {}
        for word in self.cleaned_data["topics"].split(","):
            if name := " ".join(word.split()):
                names.setdefault(name.lower(), name[:50])
        if len(names) > MAX_TOPICS:
            raise ValidationError("At most five topics, so that each still says something.")
        return list(names.values())

    def clean(self) -> dict[str, Any]:
        """Turn what was typed into moments, with a sentence at the field where that cannot be done."""
        data = super().clean() or {}
        if "time_zone" in self.errors:
            return data
        data["starts_at"], data["ends_at"] = self._span(data)
        for name in ("registration_opens", "registration_closes"):
            wall = data.get(name)
            data[f"{name}_at"] = self._moment(name, wall, "first") if wall else None
        opens, closes = data["registration_opens_at"], data["registration_closes_at"]
        if opens and closes and closes <= opens:
            self.add_error("registration_closes", "Signing up must close after it opens.")
        if data.get("mode") == Meetup.Mode.IN_PERSON and data.get("online_url"):
            self.add_error(
                "online_url", "A meetup in person has no video meeting. Choose another way to meet."
            )
        return data

    def _span(self, data: dict[str, Any]) -> tuple[dt.datetime | None, dt.datetime | None]:
        precision, day = data.get("date_precision"), data.get("day")
        if precision == Precision.NONE or "day" in self.errors:
            return None, None
        if day is None:
            self.add_error("day", "Give the day, or say that the date is open.")
            return None, None
        if precision == Precision.MONTH:
            return first_moment(day.replace(day=1), data["time_zone"]), None
        if precision == Precision.DAY:
            return first_moment(day, data["time_zone"]), None
        return self._exact_span(day, data)

    def _exact_span(
        self, day: dt.date, data: dict[str, Any]
    ) -> tuple[dt.datetime | None, dt.datetime | None]:
        start_time, end_time = data.get("start_time"), data.get("end_time")
        if start_time is None:
            if "start_time" not in self.errors:
                self.add_error(
                    "start_time", "Give the time at which it starts, or say that only the day is known."
                )
            return None, None
        start = self._moment(
            "start_time", dt.datetime.combine(day, start_time), data.get("which_start", ""), asks="start"
        )
        if end_time is None:
            if data.get("end_day"):
                self.add_error("end_time", "Give the time at which it ends on the last day.")
            return start, None
        if "end_day" in self.errors:
            return start, None
        end_day = data.get("end_day") or day
        end = self._moment(
            "end_time", dt.datetime.combine(end_day, end_time), data.get("which_end", ""), asks="end"
        )
        if start and end and end <= start:
            self.add_error(
                "end_time", "It must end after it starts. For an end after midnight, give the last day."
            )
        return start, end

    def _moment(self, field: str, wall: dt.datetime, which: str, *, asks: str = "") -> dt.datetime | None:
        try:
            return moment_of(wall, self.cleaned_data["time_zone"], which=which)
        except NoSuchTime as refused:
            self.add_error(field, str(refused))
        except TwoSuchTimes as asked:
            self.doubled.add(asks)
            self.add_error(field, str(asked))
        return None

    def changes(self) -> dict[str, Any]:
        """The values for ``change_meetup`` and ``create_meetup``."""
        data = self.cleaned_data
        # Browsers send CR LF; what is stored has line feeds, so that an unchanged text compares equal.
        texts = {name: data[name].replace("\r\n", "\n") for name in ("description", "venue_notes")}
        moments = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at", "topics")
        return {name: data[name] for name in (*_SAME, *moments)} | texts


def typed_values(meetup: Meetup) -> dict[str, Any]:
    """What the form shows for ``meetup`` as it is stored."""
    when = meetup.when
    exact = meetup.date_precision == Precision.EXACT
    zone = ZoneInfo(meetup.time_zone)
    doubled = {
        f"which_{name}": _half(moment, zone)
        for name, moment in (("start", meetup.starts_at), ("end", meetup.ends_at))
        if exact and moment
    }
    return {name: getattr(meetup, name) for name in (*_SAME, "description", "venue_notes")} | {
        "topics": ", ".join(sorted(topic.name for topic in meetup.topics.all())),
        "day": when.start.date() if when.start else None,
        "start_time": when.start.time() if when.start and exact else None,
        "end_day": when.end.date() if when.end and exact and not when.ends_same_day else None,
        "end_time": when.end.time() if when.end and exact else None,
        "registration_opens": _wall(meetup.registration_opens_at, zone),
        "registration_closes": _wall(meetup.registration_closes_at, zone),
        **doubled,
    }


def _wall(moment: dt.datetime | None, zone: ZoneInfo) -> dt.datetime | None:
    return moment.astimezone(zone).replace(tzinfo=None) if moment else None


def _half(moment: dt.datetime, zone: ZoneInfo) -> str:
    """Which of two equal times ``moment`` is; empty for a time that comes once."""
    local = moment.astimezone(zone)
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return ""
    return "second" if local.fold else "first"
