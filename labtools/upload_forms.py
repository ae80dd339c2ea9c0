"""The form by which a browser without JavaScript sends a file, and how its file goes straight to disk."""

from typing import Any

from django import forms
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

from labtools.models import ImageCheck
from labtools.request_body import allow_time
from labtools.services.form_uploads import FormUpload

FILE_FIELD = "image"


class UploadForm(forms.Form):
    """Everything but the file, which is on disk before a form can look at it."""

    visibility = forms.ChoiceField(
        label="Who may see the report",
        choices=ImageCheck.Visibility.choices,
        initial=ImageCheck.Visibility.UNLISTED,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who may see the report."},
    )


class ToFormUpload(FileUploadHandler):
    """Django's hook for pieces of a multipart file; keeps none in memory and makes no temporary file."""

    chunk_size = 2**18

    def __init__(self, request: HttpRequest, target: FormUpload) -> None:
        super().__init__(request)
        self._request, self._target = request, target

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        """One file, of the one field that the form has."""
        if field_name != FILE_FIELD or self._target.filename:
            raise SkipFile
        self._target.filename = file_name

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write, and break the connection off when the disk is full."""
        allow_time(self._request, self.chunk_size)
        if not self._target.write(raw_data):
            raise StopUpload(connection_reset=True)

    def file_complete(self, file_size: int) -> None:
        """The file is where it belongs; ``request.FILES`` stays empty."""
