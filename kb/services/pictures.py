"""Pictures in articles: written anew, kept once, addressed by what is in them."""

import datetime as dt
import hashlib
import io
import re
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from kb.models import Attachment, Draft, Revision
from portal.accounts.models import User
from portal.pictures_sent import PictureRefused, clean_picture

_ENDS = {"image/jpeg": "jpg", "image/png": "png"}
_PLACE = "/kb/pictures/"
_NAMED = re.compile(_PLACE + "([0-9a-f]{64})")
#: How long a picture stays that no text shows: somebody may be writing one elsewhere.
UNUSED_KEPT = dt.timedelta(days=30)
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
    # Whoever sends one again needs it from now on; it may be removed at this moment, and is then made anew.
    if Attachment.objects.filter(sha256=sha256).update(sent_at=at):
        return Attachment.objects.get(sha256=sha256)
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
        sent_at=at,
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


def hold_pictures(content: str) -> set[str]:
    """Keep the pictures that ``content`` names from being removed until the transaction ends, in which it is stored.

    Returns the digests of those that there are. One query, and none for a text without pictures.
    """
    named = set(_NAMED.findall(content))
    if not named:
        return set()
    held = Attachment.objects.select_for_update().filter(sha256__in=named).order_by("pk")
    return set(held.values_list("sha256", flat=True))


def remove_unused(*, at: dt.datetime, most: int = 200) -> int:
    """Remove at most ``most`` pictures that nobody sent for :data:`UNUSED_KEPT` and no text has; return how many.

    A text is any revision, whatever became of it, and any draft.
    """
    old = Attachment.objects.filter(sent_at__lt=at - UNUSED_KEPT)
    if not old.exists():
        return 0
    used = _named_anywhere()
    unused = (pk for pk, sha256 in old.order_by("pk").values_list("pk", "sha256") if sha256 not in used)
    return sum(_remove(pk, at) for pk in list(islice(unused, most)))


def _named_anywhere() -> set[str]:
    """Digests of all pictures that texts name. They are read one after the other, never all at once."""
    used: set[str] = set()
    for model in (Revision, Draft):
        texts = model._default_manager.filter(content__contains=_PLACE).order_by()
        for content in texts.values_list("content", flat=True).iterator(chunk_size=50):
            used.update(_NAMED.findall(content))
    return used


@transaction.atomic
def _remove(pk: int, at: dt.datetime) -> bool:
    """Remove one picture, unless it was sent or put into a text since it was found unused."""
    picture = Attachment.objects.select_for_update().filter(pk=pk, sent_at__lt=at - UNUSED_KEPT).first()
    if picture is None or _is_named(picture.sha256):
        return False
    picture.delete()
    # Not before: what is rolled back would have no file. A new one of the same picture has a name of its own.
    if picture.file.name:
        transaction.on_commit(partial(picture.file.storage.delete, picture.file.name))
    return True


def _is_named(sha256: str) -> bool:
    named = {"content__contains": sha256}
    return Revision.objects.filter(**named).exists() or Draft.objects.filter(**named).exists()


def markdown_of(picture: Attachment, alt: str) -> str:
    """The line that shows it, with the words of this place."""
    words = " ".join(alt.replace("\0", "").split())
    for mark in "\\[]`*_":
        words = words.replace(mark, f"\\{mark}")
    return f"![{words}]({picture.get_absolute_url()})"
