"""Shapes of what people send to this room."""

from typing import Any

from django import forms

from events.models import Chapter, Meetup


class MeetupFilterForm(forms.Form):
    """The filters of the list of meetups; sent by GET, so that a narrowed list has an address of its own."""

    chapter = forms.ModelChoiceField(
        queryset=Chapter.objects.none(), to_field_name="slug", required=False, empty_label="All chapters"
    )
    status = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chapter = self.fields["chapter"]
        assert isinstance(chapter, forms.ModelChoiceField)
        chapter.queryset = Chapter.objects.all()
        status = self.fields["status"]
        assert isinstance(status, forms.ChoiceField)
        public = [choice for choice in Meetup.Status.choices if choice[0] != Meetup.Status.DRAFT]
        status.choices = [("", "Any status"), *public]
