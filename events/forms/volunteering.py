"""Shapes of offering to help, of proposing a city, and of deciding."""

from typing import Any

from django import forms

from events.forms.chapters import CityField
from events.models import Chapter, ChapterMembership, OrganizerApplication


class OfferForm(forms.Form):
    """Start a chapter or help one."""

    chapter = forms.ModelChoiceField(
        queryset=Chapter.objects.none(),
        to_field_name="slug",
        required=False,
        empty_label="A city without a chapter",
        help_text="Where you would help.",
    )
    city = CityField(required=False, help_text="Only for a city without a chapter.")
    country = CityField(initial="India")
    role = forms.ChoiceField(
        choices=[(role.value, role.label) for role in OrganizerApplication.ROLES],
        initial=ChapterMembership.Role.ORGANIZER.value,
        label="What you would be",
        help_text="Whoever starts a chapter leads it.",
    )
    motivation = forms.CharField(
        label="What you would do",
        max_length=4000,
        min_length=20,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="What you have to bring: a room, time, people you know, meetups that you have held.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chapter = self.fields["chapter"]
        assert isinstance(chapter, forms.ModelChoiceField)
        chapter.queryset = Chapter.objects.listed()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not given.get("chapter") and not given.get("city") and not self.errors:
            self.add_error("city", "Choose a chapter, or name a city.")
        return given


class ProposeForm(forms.Form):
    """A city where somebody would come to meetups, without offering to run them."""

    city = CityField()
    country = CityField(initial="India")


class MessageForm(forms.Form):
    """One message of the conversation on an offer."""

    text = forms.CharField(label="Message", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    is_note = forms.BooleanField(
        label="A note for those who decide: the applicant does not see it", required=False
    )


class DecisionForm(forms.Form):
    """What becomes of an offer."""

    status = forms.ChoiceField(label="Decision")
    reason = forms.CharField(
        label="Why",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The applicant reads it, here and by mail.",
    )
    takes_over = forms.ModelChoiceField(
        label="The applicant is",
        queryset=ChapterMembership.objects.none(),
        required=False,
        empty_label="Somebody else",
        help_text="Where the chapter names somebody who had no account until now.",
    )

    def __init__(self, *args: Any, steps: Any, named: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = dict(OrganizerApplication.Status.choices)
        status = self.fields["status"]
        assert isinstance(status, forms.ChoiceField)
        status.choices = [(step, labels[step]) for step in steps]
        if not named.exists():
            del self.fields["takes_over"]
            return
        takes_over = self.fields["takes_over"]
        assert isinstance(takes_over, forms.ModelChoiceField)
        takes_over.queryset = named
