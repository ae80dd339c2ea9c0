"""API tokens: made once, shown once, kept only as a hash."""

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from portal.accounts.models import ApiToken, User

MARK = "osvi_"  # lets a person, and a scanner of leaked secrets, see what it is
PREFIX_LENGTH = len(MARK) + 6
NOTE_USE_EVERY = timedelta(minutes=10)
MAX_TOKENS = 20


class TooManyTokens(Exception):
    """The member has ``MAX_TOKENS`` of them already."""


def create_token(*, user: User, name: str, days: int) -> tuple[ApiToken, str]:
    """A new token for ``days`` days, and its secret, which nobody can read again. Raises ``TooManyTokens``."""
    if user.api_tokens.count() >= MAX_TOKENS:
        raise TooManyTokens
    secret = MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=_digest(secret),
        prefix=secret[:PREFIX_LENGTH],
        expires_at=timezone.now() + timedelta(days=days),
    )
    return token, secret


def user_of(secret: str) -> User | None:
    """The active member whose living token this is."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(secret), expires_at__gt=now, user__is_active=True)
        .first()
    )
    if token is None:
        return None
    if token.last_used_at is None or token.last_used_at < now - NOTE_USE_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


def revoke_token(token: ApiToken) -> None:
    """End it at once."""
    token.delete()


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
