"""What a member says about a new API token."""

from django import forms


class TokenForm(forms.Form):
    """A name to know it by, and how long it lasts."""

    name = forms.CharField(
        label="What it is for",
        max_length=80,
        help_text="The program or the machine that will use it, such as “backup host”.",
    )
    days = forms.TypedChoiceField(
        label="How long it lasts",
        choices=[(7, "a week"), (30, "a month"), (90, "three months"), (365, "a year")],
        coerce=int,
        initial=90,
    )
