"""Shapes of what organizers send: series, places, questions, messages, photos, co-hosts."""

import calendar
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from events.forms.meetup_edit import DayField
from events.forms.web_address import HttpsField
from events.models import Announcement, Chapter, CoHost, Meetup, Question, Rsvp, Venue
from events.series_rules import Rule

_HOW = {
    "weekly": ("Every week", 1, 0),
    "fortnightly": ("Every second week", 2, 0),
    "first": ("Every first … of the month", 1, 1),
    "second": ("Every second … of the month", 1, 2),
    "third": ("Every third … of the month", 1, 3),
    "fourth": ("Every fourth … of the month", 1, 4),
    "last": ("Every last … of the month", 1, -1),
    "quarterly": ("Every first … of every third month", 3, 1),
}


class SeriesForm(forms.Form):
    """How a meetup repeats, chosen in words."""

    how = forms.ChoiceField(label="How often", choices=[(key, words) for key, (words, *_) in _HOW.items()])
    weekday = forms.TypedChoiceField(
        label="On", coerce=int, choices=[(number, name) for number, name in enumerate(calendar.day_name)]
    )
    until = DayField(label="Last day", help_text="Empty: it goes on until you end it.")

    @property
    def rule(self) -> Rule:
        """The rule that was chosen."""
        _, interval, nth = _HOW[self.cleaned_data["how"]]
        return Rule(self.cleaned_data["weekday"], interval, nth)


class EndSeriesForm(forms.Form):
    """When a series ends, and why."""

    last_day = forms.DateField(
        label="Last day",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "short"}),
        help_text="Meetups of the series after it are taken away.",
    )
    reason = forms.CharField(
        label="Why",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        initial="The series has ended.",
        help_text="People who signed up for one of the later meetups read it.",
    )


class VenueForm(forms.ModelForm[Venue]):
    """A place of a chapter."""

    map_url = HttpsField(
        label="Link to a map",
        max_length=500,
        required=False,
        help_text="Empty: coordinates lead to OpenStreetMap.",
    )

    class Meta:
        model = Venue
        fields = ["name", "address", "accessibility", "room_for", "latitude", "longitude", "map_url"]
        labels = {"accessibility": "Getting in", "room_for": "People it holds"}
        help_texts = {
            "accessibility": "Steps, lift, doors, toilets, hearing loop, parking, transport.",
            "latitude": "In degrees, such as 18.52930.",
            "longitude": "In degrees, such as 73.85650.",
            "room_for": "",
        }
        widgets = {
            "address": forms.Textarea(attrs={"rows": 3}),
            "accessibility": forms.Textarea(attrs={"rows": 4}),
            "room_for": forms.NumberInput(attrs={"class": "short"}),
            "latitude": forms.NumberInput(attrs={"class": "short", "step": "any"}),
            "longitude": forms.NumberInput(attrs={"class": "short", "step": "any"}),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        north, east = data.get("latitude"), data.get("longitude")
        if (north is None) != (east is None) and not {"latitude", "longitude"} & self.errors.keys():
            self.add_error("longitude", "Give both coordinates, or neither.")
        if north is not None and abs(north) > 90:
            self.add_error("latitude", "A latitude lies from -90 to 90 degrees.")
        if east is not None and abs(east) > 180:
            self.add_error("longitude", "A longitude lies from -180 to 180 degrees.")
        return data

    def values(self) -> dict[str, Any]:
        """What was typed, for ``save_venue``; line ends as they are stored."""
        texts = {name: self.cleaned_data[name].replace("\r\n", "\n") for name in ("address", "accessibility")}
        return self.cleaned_data | texts


class QuestionForm(forms.ModelForm[Question]):
    """Something that a meetup asks."""

    choices = forms.CharField(
        required=False,
        max_length=1500,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="For one of several: one on each line, at least two.",
    )

    class Meta:
        model = Question
        fields = ["text", "kind", "choices", "is_required", "counted_as"]
        labels = {
            "text": "Question",
            "kind": "Answer",
            "is_required": "Who signs up must answer it",
            "counted_as": "Counted on the page as",
        }
        help_texts = {
            "counted_as": "For yes or no. “have a machine with nested KVM” makes the page say: "
            "31 of 40 have a machine with nested KVM. Empty: only organizers see the answers."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["choices"] = "\n".join(self.instance.choices)

    def clean_choices(self) -> list[str]:
        """One text for each line, without doubles."""
        lines = [" ".join(line.split())[:200] for line in self.cleaned_data["choices"].splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        if kind != Question.Kind.CHOICE:
            data["choices"] = []
        elif not 2 <= len(data.get("choices", [])) <= 20:
            self.add_error("choices", "Give from 2 to 20 choices, one on each line.")
        if data.get("counted_as") and kind != Question.Kind.YES_NO:
            self.add_error("counted_as", "Only answers of yes or no can be counted.")
        return data


class CoHostForm(forms.Form):
    """Which chapter to ask."""

    chapter = forms.ModelChoiceField(
        queryset=Chapter.objects.none(), to_field_name="slug", empty_label="Choose a chapter"
    )

    def __init__(self, *args: Any, meetup: Meetup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["chapter"]
        assert isinstance(field, forms.ModelChoiceField)
        asked = meetup.co_hosts.exclude(status=CoHost.Status.DECLINED).values("chapter")
        field.queryset = Chapter.objects.listed().exclude(pk=meetup.chapter_id).exclude(pk__in=asked)


class MessageForm(forms.ModelForm[Announcement]):
    """A message to those who come, or to those who follow."""

    text = forms.CharField(
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Plain text; an empty line starts a paragraph. Each reader gets a mail of their own.",
    )

    class Meta:
        model = Announcement
        fields = ["audience", "subject", "text", "is_public"]
        labels = {"audience": "To", "is_public": "Show it on the page too, where anybody may read it"}

    def __init__(self, *args: Any, meetup: Meetup | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_public"].help_text = ""
        if meetup is None:
            audience = self.fields["audience"]
            assert isinstance(audience, forms.ChoiceField)
            followers = Announcement.Audience.FOLLOWERS
            audience.choices = [(followers.value, followers.label)]
            audience.initial = followers.value

    def clean_text(self) -> str:
        """With line feeds alone."""
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        return text

    def clean_subject(self) -> str:
        """One line: it becomes a header of a mail."""
        return " ".join(self.cleaned_data["subject"].split())


class PhotoForm(forms.Form):
    """A picture, what it shows, and that those in it agree."""

    image = forms.FileField(
        label="Picture",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text="JPEG, PNG or WebP, up to 12 MiB. Where and when it was taken is removed from it.",
    )
    alt = forms.CharField(
        label="What it shows",
        max_length=250,
        help_text="A sentence for those who do not see it: “Twenty people around a table full of laptops”.",
    )
    has_consent = forms.BooleanField(
        label="Everybody who can be recognised agreed to its being shown here",
        error_messages={"required": "Ask everybody who can be recognised before you show the picture."},
    )


class AttendeeFilterForm(forms.Form):
    """Which attendees to show."""

    q = forms.CharField(label="Name, code or whole e-mail address", required=False, max_length=254)
    status = forms.ChoiceField(
        label="Answer", required=False, choices=[("", "Every answer"), *Rsvp.Status.choices]
    )

    def clean_q(self) -> str:
        """Without what a database cannot hold."""
        words: str = self.cleaned_data["q"]
        if "\x00" in words:
            raise ValidationError("Type a name.")
        return words
