"""What mail a person wants: read and changed by the notifications page and by the links in mails."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from django.urls import reverse

from portal.accounts.models import User
from portal.mail import kinds
from portal.mail.kinds import Kind
from portal.mail.models import OptOut

_SALT = "portal.mail.unsubscribe"


@dataclass(frozen=True)
class Preference:
    """One line of the notifications page."""

    kind: Kind
    wanted: bool


@dataclass(frozen=True)
class Reader:
    """Whose wish counts: the member's, where the mail is for one; otherwise that of the address alone."""

    email: str = ""
    user_id: int | None = None

    @classmethod
    def of(cls, email: str, user: User | None) -> "Reader":
        """The reader of a mail to ``email``, which belongs to ``user`` if given."""
        return cls(user_id=user.pk) if user else cls(email=email.lower())

    def wants(self, kind: Kind) -> bool:
        """Whether mail of ``kind`` may be sent; always, if it cannot be switched off."""
        if not kind.can_switch_off:
            return True
        return not self._opt_outs(kind).exists()

    def set_wanted(self, kind: Kind, wanted: bool) -> None:
        """Remember the wish; saying the same twice changes nothing. ``ValueError`` if it cannot be switched off."""
        if not kind.can_switch_off:
            raise ValueError(f"Mail of the kind {kind.key!r} cannot be switched off.")
        if wanted:
            self._opt_outs(kind).delete()
        elif self.user_id is None:
            OptOut.objects.get_or_create(user=None, email=self.email, kind=kind.key)
        elif user := User.objects.filter(
            pk=self.user_id
        ).first():  # the link in a mail may outlive the member
            OptOut.objects.get_or_create(user=user, email="", kind=kind.key)

    def _opt_outs(self, kind: Kind) -> "QuerySet[OptOut]":
        if self.user_id is None:
            return OptOut.objects.filter(user=None, email=self.email, kind=kind.key)
        return OptOut.objects.filter(user=self.user_id, kind=kind.key)


def who_wants(kind: Kind, readers: Iterable[Reader]) -> set[Reader]:
    """Those of ``readers`` to whom mail of ``kind`` may be sent, in two queries at most."""
    asked = set(readers)
    if not kind.can_switch_off:
        return asked
    users = [reader.user_id for reader in asked if reader.user_id]
    emails = [reader.email for reader in asked if not reader.user_id]
    unwanted = OptOut.objects.filter(kind=kind.key)
    without = set(unwanted.filter(user__in=users).values_list("user", flat=True)) if users else set()
    silent = (
        set(unwanted.filter(user=None, email__in=emails).values_list("email", flat=True)) if emails else set()
    )
    return {one for one in asked if one.user_id not in without and (one.user_id or one.email not in silent)}


def preferences_of(user: User) -> list[Preference]:
    """Every kind of mail and whether ``user`` wants it, in the order of registration."""
    unwanted = set(OptOut.objects.filter(user=user).values_list("kind", flat=True))
    return [
        Preference(kind, wanted=not kind.can_switch_off or kind.key not in unwanted)
        for kind in kinds.all_kinds()
    ]


def set_preference(user: User, kind: str, wanted: bool) -> None:
    """Switch mail of ``kind`` on or off. Raises ``ValueError`` if there is no such kind or it must stay on."""
    Reader(user_id=user.pk).set_wanted(kinds.get(kind), wanted)


def unsubscribe_url(reader: Reader, kind: Kind) -> str:
    """The address in ``List-Unsubscribe`` (RFC 8058): opaque, signed, and good for as long as the mail is kept."""
    token = signing.dumps([kind.key, reader.user_id, reader.email], salt=_SALT)
    return settings.SITE_URL + reverse("mail:unsubscribe", args=[token])


def read_token(token: str) -> tuple[Reader, Kind]:
    """Who asks for what. Raises ``signing.BadSignature`` if forged, ``UnknownKind`` if the kind is gone."""
    key, user_id, email = signing.loads(token, salt=_SALT)
    return Reader(email=email, user_id=user_id), kinds.get(key)
