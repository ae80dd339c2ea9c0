"""The API of image checks: three persons, tokens and sessions, and what is refused."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labtools.models import ImageCheck
from labtools.tests.factories import make_check, make_image, make_report
from portal.accounts.models import User
from portal.accounts.tokens import create_token

pytestmark = pytest.mark.django_db

LIST = "/api/v1/images/"


def address(check: ImageCheck) -> str:
    return f"{LIST}{check.pk}"


def patch(client: Client, check: ImageCheck, body: Any, **more: Any) -> Any:
    return client.patch(address(check), json.dumps(body), content_type="application/json", **more)


def test_list_is_ones_own_newest_first_in_pages(as_owner: Client, as_member: Client, owner: User) -> None:
    made = [make_check(owner, visibility="public") for _ in range(3)]
    data = as_owner.get(LIST, {"limit": 2}).json()
    assert data["count"] == 3
    assert [each["id"] for each in data["items"]] == [str(made[2].pk), str(made[1].pk)]
    assert "report" not in data["items"][0]
    rest = as_owner.get(LIST, {"limit": 2, "offset": 2}).json()
    assert [each["id"] for each in rest["items"]] == [str(made[0].pk)]
    assert as_member.get(LIST).json() == {"count": 0, "items": []}


def test_list_costs_the_same_for_one_and_for_three(as_owner: Client, owner: User) -> None:
    counts = []
    make_check(owner)
    as_owner.get(LIST)  # the first request of a session writes more
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            as_owner.get(LIST)
        counts.append(len(queries))
        make_check(owner)
        make_check(owner)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("visibility", "statuses"), [("private", (200, 404)), ("unlisted", (200, 200)), ("public", (200, 200))]
)
def test_read(
    as_owner: Client,
    as_member: Client,
    as_stranger: Client,
    owner: User,
    visibility: str,
    statuses: tuple[int, int],
) -> None:
    check = make_check(owner, visibility=visibility, filename="secret.qcow2")
    for client, status in zip((as_owner, as_member), statuses, strict=True):
        response = client.get(address(check))
        assert response.status_code == status
        assert (b"secret.qcow2" in response.content) == (status == 200)
    response = as_stranger.get(address(check))
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert b"secret" not in response.content


def test_report_comes_whole(as_owner: Client, owner: User, tmp_path: Path) -> None:
    check = make_report(owner, make_image(tmp_path / "a").read_bytes())
    data = as_owner.get(address(check)).json()
    assert data["report"] == check.result
    assert (data["verdict"], data["sha256"], data["url"]) == ("clean", check.sha256, check.get_absolute_url())


@pytest.mark.parametrize("visibility", ["private", "unlisted", "public"])
def test_change_and_delete_are_the_owners(
    as_owner: Client, as_member: Client, as_stranger: Client, owner: User, visibility: str
) -> None:
    check = make_check(owner, visibility=visibility)
    refused = 404 if visibility == "private" else 403
    for client, status in ((as_stranger, 401), (as_member, refused)):
        assert patch(client, check, {"visibility": "public"}).status_code == status
        assert client.delete(address(check)).status_code == status
    check.refresh_from_db()
    assert check.visibility == visibility
    assert patch(as_owner, check, {"visibility": "private"}).json()["visibility"] == "private"
    assert as_owner.delete(address(check)).status_code == 204
    assert not ImageCheck.objects.exists()
    assert as_owner.delete(address(check)).status_code == 404


def test_token_serves_instead_of_a_session(owner: User) -> None:
    check = make_check(owner, visibility="private")
    _, secret = create_token(user=owner, name="script", days=1)
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    assert client.get(address(check)).status_code == 200
    assert patch(client, check, {"visibility": "public"}).status_code == 200
    assert client.delete(address(check)).status_code == 204
    wrong = Client(headers={"Authorization": "Bearer osvi_wrong"})
    assert wrong.get(LIST).status_code == 401


def test_session_without_csrf_token_changes_nothing(owner: User) -> None:
    check = make_check(owner)
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(address(check)).status_code == 200
    assert patch(client, check, {"visibility": "public"}).status_code == 403
    assert client.delete(address(check)).status_code == 403
    assert ImageCheck.objects.filter(visibility="unlisted").exists()


@pytest.mark.parametrize(
    "body", [{}, {"visibility": "everyone"}, {"visibility": None}, [], "x", {"visibility": "\0"}]
)
def test_rubbish_is_answered_in_a_sentence(as_owner: Client, owner: User, body: Any) -> None:
    check = make_check(owner)
    response = patch(as_owner, check, body)
    assert response.status_code == 422
    assert response.json()["detail"].endswith(".")
    for query in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"offset": -1}, {"offset": 10**30}):
        assert as_owner.get(LIST, query).status_code == 422
    for path in (f"{LIST}nonsense", f"{LIST}{uuid.uuid4()}", "/api/v1/nothing"):
        assert as_owner.get(path).status_code == 404
    assert as_owner.put(address(check)).status_code == 405
    broken = as_owner.patch(address(check), "{", content_type="application/json")
    assert broken.status_code == 400


def test_docs_show_every_operation_of_the_document(as_stranger: Client) -> None:
    document = as_stranger.get("/api/v1/openapi.json").json()
    text = as_stranger.get("/api/v1/docs").content.decode()
    operations = [(path, spec) for path, methods in document["paths"].items() for spec in methods.values()]
    assert len([path for path, _ in operations if path.startswith("/api/v1/images")]) == 4
    for path, spec in operations:
        assert path in text
        assert spec["summary"] in text
    for name in ("Check", "CheckList", "CheckWithReport", "VisibilityChange", "Problem"):
        assert f'id="schema-{name}"' in text
    assert "<code>not_qcow2</code>" in text
    assert "`" not in text
