"""What the linter is given."""

from django import forms

from labtools.labhost.lint import MAX_TEXT

#: Sources that one text is checked against at a time.
MAX_CHECKED = 8


class LintForm(forms.Form):
    """A text. Where it is checked is chosen beside it; the text itself is read by ``labhost.lint``."""

    text = forms.CharField(
        label="Option, command line or domain XML",
        strip=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(
            attrs={
                "rows": 10,
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "wrap": "soft",
            }
        ),
        help_text="Nothing of it is run, and it is not stored. Passwords are better left out.",
    )
