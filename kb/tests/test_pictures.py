"""Pictures in articles: written anew, kept once, shown harmlessly."""

import hashlib
import io
import re
from html import unescape
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from kb import rendering
from kb.models import Attachment, Draft
from kb.personal_data import erase_kb
from kb.services.pictures import keep_picture, markdown_of
from kb.services.previews import preview_of
from kb.tests.factories import NOW, make_article
from kb.tests.test_writing_views import make_draft, page_of, sent, text
from portal.accounts.models import User
from portal.pictures_sent import MAX_BYTES, PictureRefused, clean_picture
from portal.tests.pictures import jpeg, picture

pytestmark = pytest.mark.django_db


def upload(client: Client, data: bytes, alt: str = "A red half", name: str = "../My pool.PNG") -> Any:
    return client.post("/kb/pictures/", {"picture": SimpleUploadedFile(name, data), "picture_alt": alt})


def kept(author: User, data: bytes, alt: str = "A red half") -> Attachment:
    return keep_picture(file=io.BytesIO(data), name="a.png", alt=alt, author=author, at=NOW)


def test_a_picture_is_kept_and_shown_for_ever(as_owner: Client, as_stranger: Client, owner: User) -> None:
    answer = upload(as_owner, picture(form="PNG"))
    assert answer.status_code == 201
    stored = Attachment.objects.get()
    assert answer.json() == {"markdown": f"![A red half](/kb/pictures/{stored.sha256})"}
    assert (stored.author, stored.name, stored.media_type) == (owner, "my-pool.png", "image/png")
    assert (stored.width, stored.height) == (64, 48)
    shown = as_stranger.get(stored.get_absolute_url())
    data = b"".join(shown)
    assert (len(data), hashlib.sha256(data).hexdigest()) == (stored.size, stored.sha256)
    assert shown["Content-Type"] == "image/png"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Security-Policy"] == "default-src 'none'"
    assert shown["Cache-Control"] == "public, max-age=31536000, immutable"
    assert shown["Content-Disposition"] == 'inline; filename="my-pool.png"'
    assert as_owner.get(stored.get_absolute_url())["Cache-Control"].startswith("public")


def test_a_screenshot_stays_sharp_and_loses_what_was_hidden_in_it() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera-of-Asha"
    sharp = clean_picture(io.BytesIO(picture(form="PNG", exif=exif) + b"<?php"), keeps_sharp=True)
    assert sharp.media_type == "image/png"
    assert b"Camera" not in sharp.data
    assert b"php" not in sharp.data
    image = Image.open(io.BytesIO(sharp.data))
    assert (image.getpixel((0, 0)), image.getpixel((63, 0))) == ((255, 0, 0), (0, 0, 255))
    clear = clean_picture(io.BytesIO(picture(form="PNG", mode="RGBA")), keeps_sharp=True)
    assert Image.open(io.BytesIO(clear.data)).mode == "RGBA"
    assert clean_picture(io.BytesIO(jpeg()), keeps_sharp=True).media_type == "image/jpeg"
    assert clean_picture(io.BytesIO(picture(form="PNG"))).media_type == "image/jpeg"


def moving(form: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(out, form, save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'<?xml version="1.0"?><svg onload="alert(1)"/>', "SVG"),
        (moving("PNG"), "moves"),
        (moving("WEBP"), "moves"),
        (moving("GIF"), "no JPEG, PNG or WebP"),
        (b"<script>alert(1)</script>", "no JPEG, PNG or WebP"),
        (b"", "empty|no JPEG|Choose"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(as_owner: Client, data: bytes, why: str) -> None:
    answer = upload(as_owner, data)
    assert answer.status_code == 422
    with pytest.raises(PictureRefused, match=why):
        clean_picture(io.BytesIO(data), keeps_sharp=True)
    assert not Attachment.objects.exists()


def test_a_picture_too_large_is_cut_off_while_it_comes(as_owner: Client) -> None:
    assert upload(as_owner, b"\x89PNG" + b"x" * MAX_BYTES).status_code == 400


@pytest.mark.parametrize("alt", ["", "  \n", "x" * 301])
def test_a_picture_without_words_is_not_kept(as_owner: Client, alt: str) -> None:
    assert upload(as_owner, jpeg(), alt).status_code == 422
    assert not Attachment.objects.exists()


def test_only_members_send_pictures_and_not_without_bound(
    as_owner: Client, as_stranger: Client, settings: Any
) -> None:
    assert upload(as_stranger, jpeg()).status_code == 404
    settings.ACCOUNT_RATE_LIMITS = {"kb_picture": "1/h/user"}
    assert [upload(as_owner, jpeg()).status_code for _ in range(2)] == [201, 429]


def test_the_same_picture_is_kept_once(owner: User, member: User) -> None:
    first, second = kept(owner, jpeg()), kept(member, jpeg(), "Other words")
    assert (first.pk, first.alt, Attachment.objects.count()) == (second.pk, "A red half", 1)
    assert markdown_of(second, "Other words") == f"![Other words](/kb/pictures/{first.sha256})"


def test_words_cannot_break_out_of_their_place(owner: User) -> None:
    alt = "x](javascript:alert(1)) ![y][z] `c` <b> \\"
    line = markdown_of(kept(owner, jpeg()), alt)
    html = rendering.render(line).html
    shown = re.findall(r'<img[^>]*\salt="([^"]*)"', html)
    assert [unescape(one) for one in shown] == [alt]
    assert "<b>" not in html
    assert "<a " not in html
    assert not preview_of(line).blocks


def test_a_form_without_a_script_puts_the_picture_at_the_end(as_owner: Client, owner: User) -> None:
    draft = make_draft(owner, content="words\n")
    form = sent(draft, content="new words", then="picture", picture_alt="A red half")
    page = as_owner.post(page_of(draft, "draft_save"), form)
    assert "Choose a picture first. Your draft is saved." in text(page)
    form |= {"picture": SimpleUploadedFile("a.jpg", jpeg()), "version": 1}
    assert as_owner.post(page_of(draft, "draft_save"), form).status_code == 302
    sha256 = Attachment.objects.get().sha256
    assert Draft.objects.get().content == f"new words\n\n![A red half](/kb/pictures/{sha256})\n"


def test_an_erased_member_leaves_only_pictures_that_a_text_shows(
    owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    shown, unused = kept(owner, jpeg()), kept(owner, jpeg((80, 80)))
    make_article(markdown_of(shown, "x"))
    with django_capture_on_commit_callbacks(execute=True):
        erase_kb(owner)
    assert list(Attachment.objects.all()) == [shown]
    assert default_storage.exists(str(shown.file.name))
    assert not default_storage.exists(str(unused.file.name))


@pytest.mark.parametrize("name", ["0" * 64, "x", "0" * 63, "..%2f..%2fetc"])
def test_no_other_file_is_shown(as_owner: Client, name: str) -> None:
    assert as_owner.get(f"/kb/pictures/{name}").status_code in (301, 404)
    assert as_owner.get(f"/kb/pictures/{name}", follow=True).status_code == 404
