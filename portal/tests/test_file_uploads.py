"""Files sent to pages that take none, and to one that takes some."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from pytest_django import Settings

from portal.file_uploads import takes_files


@takes_files(most_bytes=10)
def taking(request: HttpRequest) -> HttpResponse:
    """A page with a form for files."""
    return HttpResponse(b",".join(file.read() for file in request.FILES.values()))  # type: ignore[union-attr]  # one per field


def plain(request: HttpRequest) -> HttpResponse:
    """A page without."""
    return HttpResponse(request.POST["word"])


urlpatterns = [path("taking/", taking), path("plain/", plain), path("", include("portal.urls"))]
here = override_settings(ROOT_URLCONF=__name__)


def picture(length: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", b"x" * length)


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/signup/"])
def test_a_page_that_takes_no_file_ends_at_its_first_byte(
    db: None, tmp_path: Path, settings: Settings, address: str
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")  # to open a file there would be an error
    browser = Client(enforce_csrf_checks=True)
    browser.get("/accounts/login/")
    answer = browser.post(address, {"file": picture(3 * 2**20)})
    assert answer.status_code == 400
    assert "could not read this request" in answer.content.decode()


@here
def test_a_form_without_its_file_is_read_as_ever() -> None:
    assert Client().post("/plain/", {"word": "kept", "file": ""}).content == b"kept"
    assert Client().post("/plain/", {"word": "kept", "file": picture(1)}).status_code == 400


@here
@pytest.mark.parametrize(("first", "second", "status"), [(4, 6, 200), (4, 7, 400), (11, 0, 400)])
def test_a_page_that_takes_files_takes_so_many_bytes(first: int, second: int, status: int) -> None:
    sent = {"one": picture(first)} | ({"two": picture(second)} if second else {})
    answer = Client().post("/taking/", sent)
    assert answer.status_code == status
    if status == 200:
        assert answer.content == b"xxxx,xxxxxx"
