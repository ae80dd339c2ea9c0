"""The locks under which seats and dates, and roles in a chapter, change."""

from django.db import transaction
from django.db.models import F

from events.models import Chapter, Meetup


def lock_meetup(pk: int) -> Meetup:
    """Take the meetup's lock until the transaction ends, and return the row as it is now.

    An UPDATE, because that is a row lock on PostgreSQL and the write lock on SQLite; a SELECT … FOR UPDATE is
    nothing on SQLite. Raises ``Meetup.DoesNotExist``.
    """
    assert transaction.get_connection().in_atomic_block
    Meetup.objects.filter(pk=pk).update(lock_version=F("lock_version") + 1)
    return Meetup.objects.select_related("chapter").get(pk=pk)


def lock_chapter(pk: int) -> Chapter:
    """The same for a chapter's roles, blocks and status. Raises ``Chapter.DoesNotExist``."""
    assert transaction.get_connection().in_atomic_block
    Chapter.objects.filter(pk=pk).update(lock_version=F("lock_version") + 1)
    return Chapter.objects.get(pk=pk)
