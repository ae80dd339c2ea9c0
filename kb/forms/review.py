"""What reviewers and authors say."""

from django import forms

from kb.services.review import LONGEST_WORDS


def _words(label: str, *, required: bool, rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class CommentForm(forms.Form):
    """Words to one line of a text, or to all of it."""

    line = forms.IntegerField(
        label="Line",
        required=False,
        min_value=1,
        max_value=1_000_000,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text="Of the Markdown. Empty: all of it.",
    )
    text = _words("What you want to say", required=True)


class ApproveForm(forms.Form):
    """Approval of what was looked at; ``seen`` is the revision that readers had at that moment."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    words = _words("A word to its author", required=False, rows=2)


class SendBackForm(forms.Form):
    """What has to change before readers see the text."""

    words = _words("What has to change", required=True)
