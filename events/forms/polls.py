"""Forms of votes on a date. Times are typed on the wall clock of the meetup's own zone."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField

from events.models import DateOption, DateVote, Meetup
from events.services.polls import MOST
from events.wall_clock import NoSuchTime, moment_of

_WALL = "%Y-%m-%dT%H:%M"
_YEARS = range(1990, 2100)


def _check_year(day: dt.date) -> None:
    if day.year not in _YEARS:
        raise ValidationError(f"Give a year from {_YEARS[0]} to {_YEARS[-1]}.")


def _moment(wall: dt.datetime, zone: str) -> dt.datetime:
    # Of a time that comes twice, in the night when the clocks go back, the first.
    try:
        return moment_of(wall, zone, which="first")
    except NoSuchTime as error:
        raise ValidationError(str(error)) from error


class DateForm(forms.Form):
    """One date to vote on. An end that is not after the start is on the next day."""

    day = forms.DateField(
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), validators=[_check_year]
    )
    starts = forms.TimeField(label="From", widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))
    ends = forms.TimeField(label="To", widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))

    def __init__(self, *args: Any, meetup: Meetup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = meetup.time_zone
        self.span: tuple[dt.datetime, dt.datetime] | None = None

    def clean(self) -> dict[str, Any]:
        """Find the two moments; None in ``span`` for a row that was left empty."""
        data = super().clean() or self.cleaned_data
        day, starts, ends = data.get("day"), data.get("starts"), data.get("ends")
        if day and starts and ends:
            last = day if ends > starts else day + dt.timedelta(days=1)
            start = _moment(dt.datetime.combine(day, starts), self.zone)
            end = _moment(dt.datetime.combine(last, ends), self.zone)
            self.span = (start, end)
        return data


DateFormSet = forms.formset_factory(DateForm, extra=4, max_num=MOST, absolute_max=MOST)


class CloseTimeForm(forms.Form):
    """When the vote ends by itself."""

    closes = forms.CharField(
        label="No votes after",
        required=False,
        widget=forms.DateTimeInput(format=_WALL, attrs={"type": "datetime-local", "class": "poll-end"}),
        help_text="Empty: until you close the vote.",
    )

    def __init__(self, *args: Any, meetup: Meetup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = meetup.time_zone

    def clean_closes(self) -> dt.datetime | None:
        """The moment, or None."""
        typed = self.cleaned_data["closes"]
        if not typed:
            return None
        try:
            wall = dt.datetime.strptime(typed[:16], _WALL)
        except ValueError:
            raise ValidationError("Give a day and a time.") from None
        _check_year(wall)
        return _moment(wall, self.zone)


class ChooseForm(forms.Form):
    """The date that is chosen, and how firm it is."""

    option = forms.ChoiceField(label="Date", widget=forms.RadioSelect)
    status = forms.ChoiceField(
        label="The meetup is then",
        widget=forms.RadioSelect,
        choices=[
            (Meetup.Status.CONFIRMED, "Confirmed: it takes place"),
            (Meetup.Status.TENTATIVE, "Tentative: something, such as the room, is still open"),
        ],
        initial=Meetup.Status.CONFIRMED,
    )

    def __init__(self, *args: Any, choices: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        option = self.fields["option"]
        assert isinstance(option, forms.ChoiceField)
        option.choices = choices


class VoteForm(forms.Form):
    """Yes, if need be or no to each date: a group of radio buttons for each, none of them set at first."""

    def __init__(
        self,
        *args: Any,
        options: list[DateOption],
        votes: Mapping[int, str] | None = None,
        by_email: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for option in options:
            self.fields[f"date-{option.pk}"] = forms.ChoiceField(
                label=str(option),
                required=False,
                choices=DateVote.Choice.choices,
                widget=forms.RadioSelect,
                initial=(votes or {}).get(option.pk),
            )
        self.dates = options
        if by_email:
            self.fields["name"] = forms.CharField(
                label="Your name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"})
            )
            self.fields["email"] = forms.EmailField(
                label="Your e-mail address",
                max_length=254,
                widget=forms.EmailInput(attrs={"autocomplete": "email"}),
                help_text="A mail with a link goes there. Your votes count once you have pressed the button behind it.",
            )
        self.fields["hides_name"] = forms.BooleanField(
            label="Hide my name from other members; organizers see it", required=False
        )

    @property
    def date_fields(self) -> list[tuple[DateOption, BoundField]]:
        """Each date with its radio buttons."""
        return [(option, self[f"date-{option.pk}"]) for option in self.dates]

    @property
    def other_fields(self) -> list[BoundField]:
        """What is asked once."""
        return [self[name] for name in ("name", "email", "hides_name") if name in self.fields]

    @property
    def choices(self) -> dict[int, str]:
        """What was said, by the primary keys of the dates; also to dates that are gone, which services refuse."""
        given = {option.pk: self.cleaned_data.get(f"date-{option.pk}", "") for option in self.dates}
        known = {str(pk) for pk in given}
        for name in self.data:
            pk = name.removeprefix("date-")
            if name.startswith("date-") and pk.isdecimal() and len(pk) < 19 and pk not in known:
                given[int(pk)] = DateVote.Choice.NO
        return {pk: choice for pk, choice in given.items() if choice}
