"""Who a user is."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from portal.accounts.models import User
from portal.tests.factories import make_user


@pytest.mark.django_db
def test_email_is_unique_without_regard_to_case() -> None:
    make_user("asha@example.org")
    with pytest.raises(IntegrityError):
        make_user("Asha@example.org")


def test_time_zone_must_exist() -> None:
    with pytest.raises(ValidationError, match="Mars"):
        User(email="a@example.org", password="x", time_zone="Mars/Olympus").full_clean(
            validate_unique=False, validate_constraints=False
        )


@pytest.mark.django_db
def test_name_never_shows_the_email_address() -> None:
    assert "asha" not in make_user("asha@example.org").name
