"""Photos of a meetup."""

import uuid
from functools import partial
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.db import transaction

from events.models import Meetup, Photo
from events.services.audit import note_act
from events.services.life import MeetupRefused
from events.services.meetups import demand_organizer
from portal.accounts.models import User
from portal.pictures_sent import Picture, clean_picture

MAX_PHOTOS = 100


def add_photo(*, meetup: Meetup, actor: User, file: BinaryIO, alt: str, has_consent: bool) -> Photo:
    """Keep a picture with its description.

    Raises :class:`MeetupRefused` without consent, and :class:`~portal.pictures_sent.PictureRefused`.
    """
    demand_organizer(actor, meetup.chapter)
    if not has_consent:
        raise MeetupRefused("Ask everybody who can be recognised before you show the picture.")
    if not alt.strip():
        raise MeetupRefused("Say what the picture shows, for those who do not see it.")
    if meetup.photos.count() >= MAX_PHOTOS:
        raise MeetupRefused(f"A meetup has at most {MAX_PHOTOS} photos here.")
    picture = clean_picture(file)
    photo = keep_picture(Photo(meetup=meetup, alt=alt.strip(), has_consent=True, uploaded_by=actor), picture)
    try:
        with transaction.atomic():
            photo.save()
            note_act("add_photo", actor=actor, meetup=meetup, photo=photo.pk)
    except Exception:
        photo.image.storage.delete(str(photo.image.name))
        raise
    return photo


def keep_picture(photo: Photo, picture: Picture) -> Photo:
    """Store the bytes under a name that says nothing; the name that was sent may say too much."""
    image = photo.image
    name = image.field.generate_filename(photo, f"{uuid.uuid4().hex}.jpg")
    photo.image = image.storage.save(name, ContentFile(picture.data))
    # After the name, which makes Django forget them.
    photo.width, photo.height = picture.width, picture.height
    return photo


@transaction.atomic
def remove_photo(*, photo: Photo, actor: User) -> None:
    """Take a picture away, from the disk too."""
    demand_organizer(actor, photo.meetup.chapter)
    note_act("remove_photo", actor=actor, meetup=photo.meetup, photo=photo.pk)
    forget_file(photo)
    photo.delete()


def forget_file(photo: Photo) -> None:
    """Delete the picture's file once the transaction has committed."""
    storage, name = photo.image.storage, photo.image.name
    if name:
        transaction.on_commit(partial(storage.delete, name))
