"""Fixtures that every room's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.tests.factories import make_user
from portal.tests.processes import RedisServer

pytest_plugins = ["portal.tests.browser"]


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[RedisServer]:
    """A real Redis on a private socket, where settings expect it; one for each test process."""
    from django.conf import settings

    with RedisServer(settings.VAR_DIR) as server:
        yield server


@pytest.fixture(scope="session")
def second_host() -> Path:
    """A folder with a whole QEMU 10.0 in it; ``labtools.labhost.references.root`` says how to ask it."""
    from labtools.labhost.references.second_host import ROOT

    root = Path(__file__).parent / ROOT
    assert root.is_dir(), f"{root} is missing; bin/bootstrap test makes it"
    return root


@pytest.fixture(autouse=True)
def _empty_cache(redis_server: RedisServer) -> None:
    """Rate limits and pulses of one test are nothing to the next."""
    redis_server.flush()


@pytest.fixture
def owner(db: None) -> User:
    """The member whose things a test is about."""
    return make_user("owner@example.org", display_name="Asha Owner")


@pytest.fixture
def member(db: None) -> User:
    """Another member, who must not see what is the owner's alone."""
    return make_user("member@example.org", display_name="Ravi Member")


@pytest.fixture
def as_owner(owner: User) -> Client:
    """A browser in which the owner is signed in."""
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def as_member(member: User) -> Client:
    """A browser in which the other member is signed in."""
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def as_stranger() -> Client:
    """A browser in which nobody is signed in."""
    return Client()
