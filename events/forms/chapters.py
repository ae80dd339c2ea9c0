"""Shapes of a chapter's own pages."""

import re
from typing import Any

from django import forms

from events.models import Chapter, ChapterMembership
from events.services.chapters import EDITABLE

_CITY = re.compile(r"[^\W\d_][\w .'’()/-]*", re.UNICODE)


class CityField(forms.CharField):
    """The name of a city, in any script; no address of a site, and no sentence."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**({"max_length": 80} | more))

    def clean(self, value: Any) -> str:
        city = " ".join(str(super().clean(value)).split())
        if city and (not _CITY.fullmatch(city) or "www." in city.lower() or "//" in city):
            raise forms.ValidationError("Write the name of a city, in letters.")
        return city


class ChapterForm(forms.ModelForm[Chapter]):
    """What organizers say about their chapter. Only leads and staff archive it, or bring it back."""

    class Meta:
        model = Chapter
        fields = [
            "summary",
            "description",
            "how_to_help",
            "code_of_conduct",
            "status",
            "time_zone",
            "latitude",
            "longitude",
        ]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 6}),
            "how_to_help": forms.Textarea(attrs={"rows": 4}),
            "code_of_conduct": forms.Textarea(attrs={"rows": 6}),
        }
        help_texts = {
            "how_to_help": "What the chapter needs: rooms, talks, hands. Plain text.",
            "code_of_conduct": "What holds here beside the community’s code of conduct. Plain text.",
            "status": "A quiet chapter has nothing planned; its page stays, and followers hear of the next meetup.",
            "time_zone": "For new meetups, named like Asia/Kolkata. Meetups that are planned keep theirs.",
            "latitude": "In degrees, such as 18.52043; for the nearest chapter. Empty, or both.",
            "longitude": "In degrees, such as 73.85674.",
        }

    def __init__(self, *args: Any, can_archive: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("description", "how_to_help", "code_of_conduct"):
            field = self.fields[name]
            assert isinstance(field, forms.CharField)
            field.max_length = 10_000
            field.validators.append(forms.CharField(max_length=10_000).validators[0])
        status = self.fields["status"]
        assert isinstance(status, forms.ChoiceField)
        offered = [Chapter.Status.ACTIVE, Chapter.Status.QUIET]
        offered += [Chapter.Status.ARCHIVED] if can_archive else []
        present = self.instance.status
        status.choices = [
            (value, label) for value, label in Chapter.Status.choices if value in offered or value == present
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if (given.get("latitude") is None) != (given.get("longitude") is None) and not self.errors:
            self.add_error("latitude", "Give both latitude and longitude, or neither.")
        for name, most in (("latitude", 90), ("longitude", 180)):
            if given.get(name) is not None and abs(given[name]) > most:
                self.add_error(name, f"Between -{most} and {most} degrees.")
        return given

    @property
    def changes(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: value for name, value in self.cleaned_data.items() if name in EDITABLE}


class RoleForm(forms.Form):
    """A role, its last day, and whether its holder is named for reports."""

    role = forms.ChoiceField(
        choices=ChapterMembership.Role.choices, initial=ChapterMembership.Role.VOLUNTEER.value
    )
    until = forms.DateField(
        label="Last day",
        required=False,
        help_text="Empty: no end is set.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    takes_reports = forms.BooleanField(
        label="Named as somebody to whom problems are reported", required=False
    )


class NewRoleForm(RoleForm):
    """The same for somebody new: a follower of the chapter, or somebody by name who has no account."""

    user = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=80,
        required=False,
        help_text="For somebody who has no account here. It is shown on the chapter’s page.",
    )

    field_order = ("user", "name", "role", "until", "takes_reports")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        given["name"] = " ".join(str(given.get("name", "")).split())
        if not given.get("user") and not given["name"] and not self.errors:
            self.add_error("name", "Say who it is.")
        return given
