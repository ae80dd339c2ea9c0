"""The page of API tokens, for its member, for another, for nobody."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts import tokens
from portal.accounts.models import ApiToken, User
from portal.accounts.queries import export_account
from portal.accounts.tests.conftest import confirmed

NEW = {"name": "backup host", "days": "30"}


def test_secret_is_shown_once_and_works(owner: User, as_owner: Client) -> None:
    answer = confirmed(as_owner).post(reverse("me_token_create"), NEW)
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert tokens.user_of(secret) == owner
    later = as_owner.get(reverse("me_tokens")).content.decode()
    assert secret not in later
    assert ApiToken.objects.get().prefix in later


def test_making_one_asks_for_the_password_when_it_was_given_long_ago(as_owner: Client, db: None) -> None:
    answer = as_owner.post(reverse("me_token_create"), NEW)
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("change", [{"name": ""}, {"days": "9999"}, {"name": "x" * 81}])
def test_nonsense_is_refused(as_owner: Client, change: dict[str, str]) -> None:
    answer = confirmed(as_owner).post(reverse("me_token_create"), NEW | change)
    assert answer.context["form"].errors
    assert not ApiToken.objects.exists()


def test_most_tokens(as_owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 1)
    confirmed(as_owner).post(reverse("me_token_create"), NEW)
    answer = as_owner.post(reverse("me_token_create"), NEW)
    assert "Revoke one first" in answer.content.decode()
    assert ApiToken.objects.count() == 1


def test_three_persons(owner: User, as_owner: Client, as_member: Client, as_stranger: Client) -> None:
    token, secret = tokens.create_token(user=owner, name="sunflower", days=30)
    revoke = reverse("me_token_revoke", args=[token.pk])
    assert "sunflower" not in as_member.get(reverse("me_tokens")).content.decode()
    assert as_member.post(revoke).status_code == 404
    for url in (revoke, reverse("me_tokens"), reverse("me_token_create")):
        for answer in (as_stranger.get(url), as_stranger.post(url)):
            assert answer["Location"].startswith(reverse("account_login"))
    assert as_owner.get(revoke).status_code == 405
    assert tokens.user_of(secret) == owner
    assert as_owner.post(revoke).status_code == 302
    assert tokens.user_of(secret) is None


def test_query_count_does_not_grow(owner: User, as_owner: Client) -> None:

    counts = []
    for number in (1, 3):
        while ApiToken.objects.count() < number:
            tokens.create_token(user=owner, name="t", days=1)
        as_owner.get(reverse("me_tokens"))
        with CaptureQueriesContext(connection) as queries:
            as_owner.get(reverse("me_tokens"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_export_names_tokens_without_their_secrets(owner: User) -> None:
    token, secret = tokens.create_token(user=owner, name="sunflower", days=30)
    (exported,) = export_account(owner)["api_tokens"]
    assert (exported["name"], exported["prefix"]) == ("sunflower", token.prefix)
    assert secret not in str(exported)
    assert token.digest not in str(exported)
