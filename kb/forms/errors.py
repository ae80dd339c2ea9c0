"""What the page for pasted errors is given."""

from django import forms

from kb.error_lines import MAX_TEXT


class ErrorForm(forms.Form):
    """A log, an error message or a domain XML."""

    text = forms.CharField(
        label="Error message, log or domain XML",
        strip=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(
            attrs={
                "rows": 10,
                "class": "mono",
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
            }
        ),
        help_text="At most 200 kB. It is read once and not kept: neither stored nor logged.",
        error_messages={"required": "Paste an error message first."},
    )

    def clean_text(self) -> str:
        """Blanks alone are no text."""
        text: str = self.cleaned_data["text"]
        if not text.strip():
            raise forms.ValidationError("Paste an error message first.", code="required")
        return text
