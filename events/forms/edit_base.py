"""What an edit page carries along, so that two who edit at once lose nothing."""

import json
from collections.abc import Mapping

from django import forms


def as_base(fingerprints: Mapping[str, str]) -> str:
    """Fingerprints of what was stored when a page was drawn, for its hidden field ``base``."""
    return json.dumps(fingerprints)


class EditForm(forms.Form):
    """A form about something that somebody else may be editing too."""

    base = forms.CharField(required=False, widget=forms.HiddenInput(), max_length=8000)

    @property
    def seen(self) -> Mapping[str, str]:
        """The fingerprints that the page carried; empty where they are missing or broken, which trusts nothing."""
        try:
            sent = json.loads(self.cleaned_data.get("base") or "{}")
        except (ValueError, RecursionError):
            return {}
        return {str(name): str(value) for name, value in sent.items()} if isinstance(sent, dict) else {}
