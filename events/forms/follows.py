"""Shapes of following a chapter."""

from django import forms

from events.models import ChapterFollow


class FollowByEmailForm(forms.Form):
    """Whoever has no account gives an address; it counts once its owner has clicked."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class NotifyForm(forms.Form):
    """How much mail somebody wants of a chapter."""

    notify = forms.ChoiceField(label="Mail about new meetups", choices=ChapterFollow.Notify.choices)
