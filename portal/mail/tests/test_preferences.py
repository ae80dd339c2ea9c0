"""Who wants which mail, and the link that says no."""

import re
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from portal.accounts.models import User
from portal.mail.kinds import ACCOUNT, Kind
from portal.mail.models import OptOut, OutboxMessage
from portal.mail.preferences import Preference, Reader, preferences_of, set_preference, unsubscribe_url
from portal.mail.tests.test_services import queue

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def _news(**changes: Any) -> OutboxMessage | None:
    return queue(**{"kind": "news", "transactional": False, **changes})


def _path(reader: Reader, kind: Kind) -> str:
    return unsubscribe_url(reader, kind).removeprefix("http://localhost:8000")


def test_mail_that_can_be_switched_off_says_how(news: Kind, owner: User) -> None:
    message = _news(to=owner.email, user=owner)
    assert message is not None
    link = re.fullmatch(
        r"<(http://localhost:8000/mail/unsubscribe/\S+/)>", message.headers["List-Unsubscribe"]
    )
    assert link
    assert message.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link[1] in message.text_body
    assert f'href="{link[1]}"' in message.html_body
    assert "List-Unsubscribe" not in (queue(dedupe_key="other") or message).headers


def test_one_click_of_a_mail_program_stops_the_kind_for_its_reader_alone(
    news: Kind, owner: User, member: User
) -> None:
    program = Client(enforce_csrf_checks=True)  # it has neither cookie nor token
    response = program.post(_path(Reader(user_id=owner.pk), news), ONE_CLICK)
    assert response.status_code == 200
    assert "You get no more of these mails" in response.content.decode()
    assert _news(to=owner.email, user=owner) is None
    assert _news(to=member.email, user=member, dedupe_key="of the other") is not None
    assert queue(to=owner.email, user=owner, dedupe_key="needed") is not None


@pytest.mark.parametrize("browser", ["as_owner", "as_member", "as_stranger"])
def test_opening_the_link_asks_and_the_button_decides_whoever_is_signed_in(
    news: Kind, owner: User, browser: str, request: pytest.FixtureRequest
) -> None:
    """The mail may be open in a browser where nobody, or another member, is signed in; its token speaks."""
    client: Client = request.getfixturevalue(browser)
    path = _path(Reader(user_id=owner.pk), news)
    page = client.get(path)
    assert page.status_code == 200
    assert "Stop these mails?" in page.content.decode()
    assert not OptOut.objects.exists()
    assert client.post(path, follow=True).redirect_chain == [(path, 302)]
    assert [(o.user, o.kind) for o in OptOut.objects.all()] == [(owner, "news")]
    client.post(path)
    assert "Receive them again" in client.get(path).content.decode()
    client.post(path, {"wanted": "yes"})
    assert not OptOut.objects.exists()


def test_forged_and_outlived_links_are_not_found(news: Kind, as_owner: Client, owner: User) -> None:
    path = _path(Reader(user_id=owner.pk), news)
    assert as_owner.post(path[:-2] + ("A" if path[-2] != "A" else "B") + "/", ONE_CLICK).status_code == 404
    gone = signing.dumps(["no-such-kind", owner.pk, ""], salt="portal.mail.unsubscribe")
    assert as_owner.post(f"/mail/unsubscribe/{gone}/", ONE_CLICK).status_code == 404
    other_salt = signing.dumps(["news", owner.pk, ""])
    assert as_owner.post(f"/mail/unsubscribe/{other_salt}/", ONE_CLICK).status_code == 404
    assert not OptOut.objects.exists()


def test_link_of_an_erased_member_changes_nothing(news: Kind, owner: User, as_stranger: Client) -> None:
    path = _path(Reader(user_id=owner.pk), news)
    owner.delete()
    assert as_stranger.post(path, ONE_CLICK).status_code == 200
    assert not OptOut.objects.exists()


def test_address_without_an_account_can_opt_out_whatever_its_case(news: Kind) -> None:
    Reader.of("Guest@Example.org", None).set_wanted(news, False)
    Reader.of("guest@example.org", None).set_wanted(news, False)
    assert OptOut.objects.count() == 1
    assert _news(to="GUEST@example.org") is None
    assert _news(to="other@example.org") is not None


def test_preferences_are_listed_and_set(news: Kind, owner: User, member: User) -> None:
    assert preferences_of(owner) == [Preference(ACCOUNT, True), Preference(news, True)]
    set_preference(owner, "news", False)
    set_preference(owner, "news", False)
    assert preferences_of(owner) == [Preference(ACCOUNT, True), Preference(news, False)]
    assert preferences_of(member) == [Preference(ACCOUNT, True), Preference(news, True)]
    set_preference(owner, "news", True)
    assert preferences_of(owner)[1].wanted
    for kind in ("account", "nonsense"):
        with pytest.raises(ValueError):
            set_preference(owner, kind, False)
