"""allauth's mails go through the outbox."""

from typing import Any

import pytest
from allauth.core.context import request_context
from django.db import transaction
from django.test import Client, RequestFactory
from pytest_django import Settings

from portal.accounts.adapter import AccountAdapter
from portal.accounts.models import User
from portal.mail.models import OutboxMessage

_PREFIX = "account/email/password_reset_key"


def _send(prefix: str, email: str, context: dict[str, Any]) -> None:
    request = RequestFactory().get("/", HTTP_HOST="localhost")
    with request_context(request):
        AccountAdapter(request).send_mail(prefix, email, context)


@pytest.mark.django_db
def test_a_link_mailed_twice_in_one_second_is_one_mail(owner: User, settings: Settings) -> None:
    link = "http://localhost/accounts/password/reset/key/1-abc/"
    context = {"user": owner, "key": "abc", "password_reset_url": link}
    _send(_PREFIX, owner.email, context)
    _send(_PREFIX, owner.email, context)
    message = OutboxMessage.objects.get()
    assert (message.to_email, message.to_user, message.kind) == (owner.email, owner, "account")
    page = f"{settings.SITE_URL}/accounts/password/reset/key/1-abc/"
    assert page in message.text_body
    assert f'href="{page}"' in message.html_body
    assert "abc" not in message.dedupe_key
    assert message.subject
    _send(_PREFIX, owner.email, {**context, "key": "def"})
    assert OutboxMessage.objects.count() == 2


@pytest.mark.django_db
def test_mail_to_a_known_address_belongs_to_its_member(owner: User) -> None:
    _send("account/email/account_already_exists", "OWNER@example.org", {"password_reset_url": "-"})
    _send("account/email/unknown_account", "stranger@example.org", {"signup_url": "-"})
    assert [m.to_user for m in OutboxMessage.objects.order_by("pk")] == [owner, None]


@pytest.mark.django_db
def test_each_security_notice_is_a_mail_of_its_own_to_the_member(owner: User) -> None:
    request = RequestFactory().get("/", HTTP_HOST="localhost")
    with request_context(request):
        for _ in range(2):
            AccountAdapter(request).send_notification_mail("account/email/password_changed", owner)
    assert [m.to_user for m in OutboxMessage.objects.all()] == [owner, owner]


@pytest.mark.django_db
def test_mail_vanishes_with_the_transaction_that_caused_it(owner: User) -> None:
    with transaction.atomic():
        _send(_PREFIX, owner.email, {"user": owner, "key": "abc", "password_reset_url": "-"})
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_links_lead_to_the_site_whatever_the_request_said(owner: User, settings: Settings) -> None:
    settings.SITE_URL = "https://portal.example"
    Client().post("/accounts/password/reset/", {"email": owner.email}, headers={"Host": "localhost:6666"})
    message = OutboxMessage.objects.get()
    assert "https://portal.example/accounts/password/reset/key/" in message.text_body
    assert "6666" not in message.text_body + message.html_body
