"""What takes a meetup through its life."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from events.forms.meetup_edit import DayField
from events.models import Meetup
from events.services.life import can_move


class MoveForm(forms.Form):
    """Another state for a meetup, of those that may follow its own."""

    status = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, *args: Any, meetup: Meetup, at: dt.datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["status"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(status.value, status.label) for status in moves_of(meetup, at)]


def moves_of(meetup: Meetup, at: dt.datetime) -> list[Meetup.Status]:
    """States that an organizer can choose here: a vote begins on its own page, cancelling asks for a reason."""
    own_pages = {meetup.status, Meetup.Status.POLLING, Meetup.Status.CANCELLED}
    if meetup.date_precision != Meetup.DatePrecision.EXACT:
        own_pages.add(Meetup.Status.CONFIRMED)
    return [status for status in Meetup.Status if status not in own_pages and can_move(meetup, status, at)]


class CancelForm(forms.Form):
    """Why a meetup is cancelled."""

    reason = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Everybody who signed up reads it, and it stands on the meetup's page.",
    )


class CopyForm(forms.Form):
    """When the copy of a meetup takes place."""

    day = DayField(help_text="Empty: the date is open. With a day, it starts at the same time of day.")

    def __init__(self, *args: Any, meetup: Meetup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._meetup = meetup

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("day") and self._meetup.date_precision != Meetup.DatePrecision.EXACT:
            raise ValidationError("This meetup has no time of day to copy. Leave the date open.")
        return data
