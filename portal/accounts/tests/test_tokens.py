"""API tokens: shown once, kept as a hash, ended by time, by hand or with their member."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.accounts import tokens
from portal.accounts.models import ApiToken, User


def test_secret_names_its_member_and_is_not_kept(owner: User) -> None:
    token, secret = tokens.create_token(user=owner, name="laptop", days=30)
    assert tokens.user_of(secret) == owner
    row = ApiToken.objects.values().get()
    assert secret not in str(row)
    assert row["digest"] != secret
    assert secret.startswith(token.prefix)
    assert len(secret) - len(token.prefix) > 30


def test_unknown_expired_and_revoked_tokens_name_nobody(owner: User) -> None:
    token, secret = tokens.create_token(user=owner, name="laptop", days=30)
    assert tokens.user_of("") is None
    assert tokens.user_of(secret + "x") is None
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert tokens.user_of(secret) is None
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert tokens.user_of(secret) == owner
    tokens.revoke_token(token)
    assert tokens.user_of(secret) is None


def test_token_of_a_closed_account_names_nobody(owner: User) -> None:
    _, secret = tokens.create_token(user=owner, name="laptop", days=30)
    User.objects.update(is_active=False)
    assert tokens.user_of(secret) is None


def test_use_is_noted_now_and_then(owner: User) -> None:
    token, secret = tokens.create_token(user=owner, name="laptop", days=30)
    tokens.user_of(secret)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    tokens.user_of(secret)
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - tokens.NOTE_USE_EVERY * 2)
    tokens.user_of(secret)
    token.refresh_from_db()
    assert token.last_used_at >= first


def test_number_of_tokens_is_bounded(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 1)
    tokens.create_token(user=owner, name="laptop", days=30)
    with pytest.raises(tokens.TooManyTokens):
        tokens.create_token(user=owner, name="laptop", days=30)
