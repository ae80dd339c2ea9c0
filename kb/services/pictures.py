"""Pictures in articles: written anew, kept once, addressed by what is in them."""

import datetime as dt
import hashlib
import io
from dataclasses import replace
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from kb.models import Attachment
from portal.accounts.models import User
from portal.pictures_sent import PictureRefused, clean_picture

_ENDS = {"image/jpeg": "jpg", "image/png": "png"}
_BEGINS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n"}


def keep_picture(
    *, file: BinaryIO, name: str, alt: str, author: User | None, at: dt.datetime, is_own: bool = False
) -> Attachment:
    """Keep a picture with its words. The same picture sent twice is one.

    ``is_own``: whoever runs the portal brings back a file that a portal wrote; it stays as it is, byte for byte, if
    it can be read. Raises :class:`~portal.pictures_sent.PictureRefused`, also without words.
    """
    alt = " ".join(alt.replace("\0", "").split())
    if not alt:
        raise PictureRefused("Say what is to be seen, for those who do not see it.")
    if len(alt) > 300:
        raise PictureRefused("At most 300 characters; what needs more words belongs into the text.")
    data = file.read() if is_own else b""
    picture = clean_picture(io.BytesIO(data) if is_own else file, keeps_sharp=True)
    if data.startswith(_BEGINS[picture.media_type]):
        picture = replace(picture, data=data)
    sha256 = hashlib.sha256(picture.data).hexdigest()
    known = Attachment.objects.filter(sha256=sha256).first()
    if known is not None:
        return known
    stem = slugify(name.rsplit("/", 1)[-1].rsplit(".", 1)[0])[:80] or "picture"
    end = _ENDS[picture.media_type]
    kept = Attachment(
        sha256=sha256,
        name=f"{stem}.{end}",
        alt=alt,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        author=author,
        created_at=at,
    )
    stored = kept.file.storage.save(f"kb/pictures/{sha256}.{end}", ContentFile(picture.data))
    kept.file.name = stored
    try:
        with transaction.atomic():
            kept.save()
    except IntegrityError:  # somebody else sent the same at this moment
        kept.file.storage.delete(stored)
        return Attachment.objects.get(sha256=sha256)
    return kept


def markdown_of(picture: Attachment, alt: str) -> str:
    """The line that shows it, with the words of this place."""
    words = " ".join(alt.replace("\0", "").split())
    for mark in "\\[]`*_":
        words = words.replace(mark, f"\\{mark}")
    return f"![{words}]({picture.get_absolute_url()})"
