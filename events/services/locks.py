"""The lock under which seats and dates change."""

from django.db import transaction
from django.db.models import F

from events.models import Meetup


def lock_meetup(pk: int) -> Meetup:
    """Take the meetup's lock until the transaction ends, and return the row as it is now.

    An UPDATE, because that is a row lock on PostgreSQL and the write lock on SQLite; a SELECT … FOR UPDATE is
    nothing on SQLite. Raises ``Meetup.DoesNotExist``.
    """
    assert transaction.get_connection().in_atomic_block
    Meetup.objects.filter(pk=pk).update(lock_version=F("lock_version") + 1)
    return Meetup.objects.select_related("chapter").get(pk=pk)
