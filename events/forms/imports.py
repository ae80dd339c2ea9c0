"""What an organizer sends to import meetups."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from events.imports.entries import MOST_BYTES


class ImportForm(forms.Form):
    """A file, and whether what is to come is shown at once."""

    file = forms.FileField(
        label="File",
        help_text=f"A calendar (.ics), events of meetup.com (JSON) or a table (CSV); at most {MOST_BYTES // 1024} KiB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".ics,.ical,.json,.csv,text/calendar"}),
    )
    shows_coming = forms.BooleanField(
        label="Show meetups to come at once",
        help_text="Otherwise they become drafts, which you publish one by one. Past ones are always shown.",
        required=False,
    )

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse what is too large before it is read."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if file.size is None or file.size > MOST_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {MOST_BYTES // 1024} KiB. Export fewer meetups at once."
            )
        return file
