"""Shapes of what people send about speakers."""

from django import forms


class ProfileForm(forms.Form):
    """What a speaker says about themselves."""

    name = forms.CharField(max_length=80)
    affiliation = forms.CharField(
        label="Where you work", max_length=120, required=False, help_text="Today; each talk keeps its own."
    )
    bio = forms.CharField(
        label="About you",
        max_length=2000,
        required=False,
        widget=forms.Textarea,
        help_text="Plain text; an empty line starts a paragraph.",
    )


class ClaimForm(forms.Form):
    """Why a page is about whoever sends this."""

    text = forms.CharField(
        label="How others can see that it is you",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="For example the address that you use on a mailing list. Only those who decide read it.",
    )


class ClaimDecisionForm(forms.Form):
    """An answer to a claim."""

    decision = forms.ChoiceField(choices=[("accept", "It is them"), ("decline", "It is not them")])
