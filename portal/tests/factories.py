"""Hand-written makers of rows for tests of every room."""

from itertools import count
from typing import Any

from portal.accounts.models import User

_numbers = count(1)
PASSWORD = "correct horse battery staple"


def make_user(email: str = "", **fields: Any) -> User:
    """A member whose e-mail address is verified, as allauth wants it before a sign-in."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email or f"member{next(_numbers)}@example.org", PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user
