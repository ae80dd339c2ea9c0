"""The secret in the address of a member's own calendar."""

import datetime as dt

from django.db import transaction

from events.models import CalendarToken, new_calendar_token
from portal.accounts.models import User


@transaction.atomic
def replace_token(*, user: User, at: dt.datetime) -> bool:
    """Give ``user`` a new token; the old one ends in the same moment. Returns whether there was one."""
    _, is_first = CalendarToken.objects.update_or_create(
        user=user, defaults={"token": new_calendar_token(), "created_at": at}
    )
    return not is_first


def delete_token(*, user: User) -> None:
    """End the token of ``user``, if there is one."""
    CalendarToken.objects.filter(user=user).delete()
