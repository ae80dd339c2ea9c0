"""How a meetup was."""

from typing import Any

from django import forms

from events.forms.edit_base import EditForm
from events.forms.web_address import local_article


class RecapForm(EditForm):
    """What organizers tell after a meetup."""

    recap = forms.CharField(
        label="How it was",
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Plain text; an empty line starts a paragraph. Name people only if they agree.",
    )
    recap_path = forms.CharField(
        label="Article that tells more",
        max_length=200,
        required=False,
        validators=[local_article],
        help_text="Its address here, such as /kb/storage-night/.",
    )

    def changes(self) -> dict[str, Any]:
        """The values for ``change_meetup``."""
        data = self.cleaned_data
        return {"recap": data["recap"].replace("\r\n", "\n"), "recap_path": data["recap_path"]}
