"""What every answer carries, and what the log says of it."""

import logging

import pytest
from django.test import Client


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
