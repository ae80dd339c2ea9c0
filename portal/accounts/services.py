"""Changes to accounts that allauth does not make."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from portal.accounts import personal_data
from portal.accounts.models import User
from portal.mail.kinds import ACCOUNT
from portal.mail.services import queue_mail

UNCONFIRMED_FOR = timedelta(days=7)  # the link in the mail is good for three
ERASE_AT_ONCE = 20  # each looks through all sessions


class LastSuperuser(Exception):
    """The only superuser left cannot be erased: nobody could look after the portal."""


def end_session(*, user: User, session: int) -> bool:
    """Sign one browser of ``user`` out; the number is that of ``queries.sessions_of``. False if it was gone."""
    return _end(UserSession.objects.filter(user=user, pk=session)) > 0


def end_other_sessions(*, user: User, keep: str | None) -> int:
    """Sign every browser of ``user`` out but the one whose session key is ``keep``. Returns how many it were."""
    return _end(UserSession.objects.filter(user=user).exclude(session_key=keep))


def _end(tracked: Any) -> int:
    with transaction.atomic():
        keys = list(tracked.values_list("session_key", flat=True))
        ended, _ = Session.objects.filter(session_key__in=keys).delete()
        tracked.delete()
    return ended


@transaction.atomic
def erase_member(*, user: User) -> None:
    """Remove the member and everything that is kept about them, in all rooms, with a last mail that says so.

    Raises ``LastSuperuser`` and then changes nothing.
    """
    # Locked together, so that two superusers who leave at the same moment cannot both see the other staying.
    superusers = list(User.objects.select_for_update().filter(is_superuser=True, is_active=True))
    if superusers == [user]:
        raise LastSuperuser
    address, name = user.email, user.display_name
    _erase(user)
    queue_mail(
        kind=ACCOUNT.key,
        to=address,
        subject="Your account is erased",
        template="accounts/erased_message",
        context={"name": name},
        dedupe_key=f"account-erased:{uuid.uuid4()}",
        forget=True,
    )


def _erase(user: User) -> None:
    for keeper in personal_data.keepers():
        keeper.erase(user)
    user.delete()


def erase_unconfirmed(*, at: datetime) -> int:
    """Erase accounts whose address nobody confirmed within :data:`UNCONFIRMED_FOR`. Returns how many.

    Whoever made them may have typed another person's address, which stays taken as long as they are there.
    """
    own = EmailAddress.objects.filter(user=OuterRef("pk"))
    left = User.objects.filter(
        Exists(own), ~Exists(own.filter(verified=True)), last_login=None, date_joined__lt=at - UNCONFIRMED_FOR
    ).exclude(Q(is_staff=True) | Q(is_superuser=True))
    pks = list(left.order_by("date_joined").values_list("pk", flat=True)[:ERASE_AT_ONCE])
    for pk in pks:
        with transaction.atomic():
            # Looked at again in the transaction: they may have confirmed in the meantime.
            if user := left.filter(pk=pk).first():
                _erase(user)
    return len(pks)


def forget_sessions(*, at: datetime) -> None:
    """Remove sessions that have expired, and what the list of sessions knows of those that are gone."""
    Session.objects.filter(expire_date__lt=at).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


def erase_account(user: User) -> None:
    """Remove what accounts keep beside the rows that go with the user: sessions, and the admin's log about them.

    Sessions are opened one by one, also those of visitors: a reset or a sign-in that was begun and not finished
    holds the address in one of them.
    """
    addresses = {user.email.lower(), *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    doomed = [
        session.pk
        for session in Session.objects.iterator(chunk_size=500)
        if _is_about(session.get_decoded(), user, addresses)
    ]
    for start in range(0, len(doomed), 500):
        Session.objects.filter(pk__in=doomed[start : start + 500]).delete()
    about = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk)
    )
    about.update(object_id=None, object_repr="An erased member", change_message="")


def _is_about(data: dict[str, Any], user: User, addresses: set[str]) -> bool:
    """Whether a session belongs to ``user`` or mentions one of their addresses."""
    begun = data.get("account_login") or {}  # a sign-in that waits for its second step
    owners = {data.get(SESSION_KEY), data.get("account_authentication_methods_user"), begun.get("user_pk")}
    if owners & {str(user.pk), user_pk_to_url_str(user)}:
        return True
    text = json.dumps(data, default=str).lower()
    return any(address in text for address in addresses)
