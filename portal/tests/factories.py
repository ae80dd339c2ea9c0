"""Hand-written makers of rows for tests of every room."""

from itertools import count
from typing import Any

from django.test import Client
from django.urls import reverse

from portal.accounts.models import User

_numbers = count(1)
PASSWORD = "correct horse battery staple"


def make_user(email: str = "", **fields: Any) -> User:
    """A member whose e-mail address is verified, as allauth wants it before a sign-in."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email or f"member{next(_numbers)}@example.org", PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


def signed_in(user: User) -> Client:
    """A browser in which ``user`` signed in and gave the password once more, as sensitive pages ask for it."""
    client = Client()
    assert (
        client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD}).status_code == 302
    )
    assert client.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302
    return client
