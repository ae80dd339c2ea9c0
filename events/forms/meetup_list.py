"""The filters of the list of meetups."""

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from events.models import Chapter, Meetup, Topic
from events.queries import Narrowing, listed_topics

#: Nobody meets outside these; the edges of the calendar are where date arithmetic overflows.
_IN_OUR_TIME = [MinValueValidator(dt.date(1990, 1, 1)), MaxValueValidator(dt.date(2200, 1, 1))]


class MeetupFilterForm(forms.Form):
    """The filters of the list of meetups; sent by GET, so that a narrowed list has an address of its own."""

    chapter = forms.ModelChoiceField(
        queryset=Chapter.objects.none(), to_field_name="slug", required=False, empty_label="All chapters"
    )
    topic = forms.ModelChoiceField(
        queryset=Topic.objects.none(), to_field_name="slug", required=False, empty_label="Any topic"
    )
    attendance = forms.ChoiceField(
        required=False,
        choices=[("", "Anywhere"), ("online", "I can join online"), ("in_person", "We meet in person")],
    )
    status = forms.ChoiceField(required=False)
    after = forms.DateField(
        required=False, label="From", widget=forms.DateInput({"type": "date"}), validators=_IN_OUR_TIME
    )
    before = forms.DateField(
        required=False, label="To", widget=forms.DateInput({"type": "date"}), validators=_IN_OUR_TIME
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chapter, topic, status = (self.fields[name] for name in ("chapter", "topic", "status"))
        assert isinstance(chapter, forms.ModelChoiceField)
        assert isinstance(topic, forms.ModelChoiceField)
        assert isinstance(status, forms.ChoiceField)
        chapter.queryset = Chapter.objects.all()
        topic.queryset = listed_topics()
        public = [choice for choice in Meetup.Status.choices if choice[0] != Meetup.Status.DRAFT]
        status.choices = [("", "Any status"), *public]

    def clean(self) -> dict[str, Any]:
        """The days must be in their order."""
        data = super().clean() or self.cleaned_data
        after, before = data.get("after"), data.get("before")
        if after and before and before < after:
            self.add_error("before", "This day is before the first.")
        return data

    def narrowing(self) -> Narrowing:
        """The filters that make sense; what does not is shown as an error and narrows nothing."""
        self.is_valid()
        return Narrowing(**self.cleaned_data)
