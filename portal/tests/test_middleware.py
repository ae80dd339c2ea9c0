"""What every answer carries, and what the log says of it."""

import logging

import pytest
from django.db import OperationalError
from django.test import Client

from events.queries.meetups import MeetupList
from portal.tests.factories import PASSWORD, make_user


def test_every_answer_has_an_id_and_policies(client: Client) -> None:
    response = client.get("/healthz")
    assert len(response["X-Request-ID"]) == 16
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["Permissions-Policy"].startswith("camera=()")
    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("4bf92f3577b34da6", True),
        ("short", False),
        ("x" * 65, False),
        ("a b c d e f g h", False),
        ("id\u00e9id\u00e9id\u00e9", False),
    ],
)
def test_a_proxys_id_is_kept_only_if_it_is_harmless(client: Client, offered: str, kept: bool) -> None:
    assert (client.get("/healthz", headers={"X-Request-ID": offered})["X-Request-ID"] == offered) is kept


def test_access_log_names_the_route_and_never_the_path(
    db: None, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "portal.access"):
        client.get("/accounts/password/reset/key/secret-token/?q=private")
    text = caplog.text
    assert "GET /accounts/password/reset/key/" in text
    assert "secret-token" not in text
    assert "private" not in text


def test_no_cache_keeps_a_page_of_somebody(db: None) -> None:
    member = make_user("member@example.org")
    browser = Client()
    stranger = browser.get("/about/")
    assert "Cache-Control" not in stranger.headers
    assert "Cookie" in stranger["Vary"]
    signing_in = browser.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    mine = [signing_in, browser.get("/about/"), browser.get("/no-such-page/"), browser.get("/accounts/2fa/")]
    mine.append(browser.post("/accounts/logout/"))
    mine.append(Client().get("/about/", headers={"Authorization": "Bearer something"}))
    for answer in mine:
        assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", ")), answer.request[
            "PATH_INFO"
        ]


def test_what_is_the_same_for_everybody_is_kept_by_members_too(db: None) -> None:
    browser = Client()
    browser.force_login(make_user("member@example.org"))
    feed = browser.get("/meetups/feed.atom")
    assert feed["Cache-Control"] == "public, max-age=300"
    assert feed["ETag"]


@pytest.mark.parametrize(("trouble", "status"), [("database is locked", 503), ("disk I/O error", 500)])
def test_a_lock_that_is_held_too_long_is_said_and_nothing_else_is_taken_for_it(
    db: None, client: Client, monkeypatch: pytest.MonkeyPatch, trouble: str, status: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError(trouble)

    client.raise_request_exception = False
    monkeypatch.setattr(MeetupList, "count", fail)
    answer = client.get("/meetups/")
    assert answer.status_code == status
    assert ("The portal is busy" in answer.content.decode()) is (status == 503)
    assert answer.get("Retry-After") == ("30" if status == 503 else None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status"),
    [("/chapters/start/?chapter=%00", 200), ("/rsvp/a%00b/", 404), ("/meetups/?q=a%00", 200)],
)
def test_a_nul_byte_in_an_address_breaks_nothing(client: Client, address: str, status: int) -> None:
    assert client.get(address).status_code == status
