"""The mailbox page: on this machine, in place of a mail server, and nowhere else."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.accounts.models import User
from portal.mail import delivery
from portal.mail.models import OutboxMessage
from portal.mail.services import Attachment
from portal.mail.templatetags.mail_text import own_links
from portal.mail.tests.test_services import queue
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(owner: User) -> OutboxMessage:
    message = queue(to=owner.email, user=owner, attachments=[Attachment("a.ics", "text/calendar", b"x" * 12)])
    assert message is not None
    return message


def _addresses(mail: OutboxMessage) -> list[str]:
    return ["/mailbox/", f"/mailbox/{mail.pk}/", f"/mailbox/{mail.pk}/html/"]


@pytest.mark.parametrize("browser", ["as_owner", "as_member", "as_stranger"])
def test_anybody_on_this_machine_reads_mail_that_no_worker_took(
    browser: str, mail: OutboxMessage, request: pytest.FixtureRequest
) -> None:
    """A newcomer who has just signed up is signed in as nobody."""
    client: Client = request.getfixturevalue(browser)
    index, page, html = (client.get(address) for address in _addresses(mail))
    assert (index.status_code, page.status_code, html.status_code) == (200, 200, 200)
    assert f'href="/mailbox/{mail.pk}/"' in index.content.decode()
    assert "queued" in index.content.decode()
    assert "this is a note." in page.content.decode()
    assert mail.message_id.strip("<>") in page.content.decode()
    assert "a.ics (text/calendar), 12 bytes" in " ".join(page.content.decode().split())
    assert html.content.decode() == mail.html_body


@pytest.mark.parametrize(
    "origin",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "::ffff:192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"},
    ],
)
@pytest.mark.parametrize("browser", ["as_owner", "as_member", "as_stranger"])
def test_nobody_elsewhere_does(
    browser: str, origin: dict[str, Any], mail: OutboxMessage, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(browser)
    assert [client.get(address, **origin).status_code for address in _addresses(mail)] == [404, 404, 404]


def test_behind_a_socket_nobody_can_tell_who_asks(mail: OutboxMessage, as_stranger: Client) -> None:
    assert as_stranger.get("/mailbox/", REMOTE_ADDR="").status_code == 404


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_has_several_addresses(address: str, mail: OutboxMessage, client: Client) -> None:
    assert client.get("/mailbox/", REMOTE_ADDR=address).status_code == 200


def test_no_mailbox_where_mail_is_sent(mail: OutboxMessage, as_owner: Client, settings: Any) -> None:
    settings.MAILBOX_PAGE = False
    assert [as_owner.get(address).status_code for address in _addresses(mail)] == [404, 404, 404]


def test_html_part_is_shut_in_a_sandbox(mail: OutboxMessage, client: Client) -> None:
    policy = client.get(f"/mailbox/{mail.pk}/html/")["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline';")
    assert "unsafe-inline" not in client.get(f"/mailbox/{mail.pk}/")["Content-Security-Policy"]


def test_empty_mailbox_says_what_to_do(client: Client) -> None:
    page = client.get("/mailbox/").content.decode()
    assert "No mail yet" in page
    assert 'href="/accounts/signup/"' in page


def test_newest_mail_comes_first_and_the_list_costs_the_same_at_any_length(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(1, 4):
        queue(subject=f"Mail {number}", dedupe_key=f"note:{number}")
        if number != 2:
            with django_assert_num_queries(1):
                page = client.get("/mailbox/").content.decode()
    assert page.index("Mail 3") < page.index("Mail 2") < page.index("Mail 1")


def test_erased_mail_says_so(mail: OutboxMessage, client: Client, settings: Any) -> None:
    delivery.deliver(mail.pk)
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(days=settings.MAIL_KEEP_DAYS + 1))
    delivery.erase_old()
    page = client.get(f"/mailbox/{mail.pk}/").content.decode()
    assert "The text was removed on" in page
    assert "See it as HTML" not in page


def test_only_links_to_the_portal_are_clickable(rf: Any) -> None:
    text = (
        "Dear <b>Asha</b>, confirm: http://localhost:8000/accounts/confirm-email/Mw:1x/.\n"
        "Prize: https://evil.example/?x=http://localhost:8000/ and http://localhost:8000@evil.example/ "
        "javascript:alert(1) http://localhost:8000.evil.example/ http://[bad/"
    )
    shown = own_links(text)
    link = "http://localhost:8000/accounts/confirm-email/Mw:1x/"
    assert f'confirm: <a href="{link}">{link}</a>.' in shown
    assert "&lt;b&gt;Asha&lt;/b&gt;" in shown
    assert shown.count("<a ") == 1
    request = rf.get("/", HTTP_HOST="127.0.0.1:9000")
    assert "<a " not in own_links("http://127.0.0.1:9000/me/")
    assert own_links("http://127.0.0.1:9000/me/", request).startswith('<a href="http://127.0.0.1:9000/me/">')


def _staff(*codenames: str, **fields: Any) -> Client:
    user = make_user(is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_admin_shows_links_that_sign_in_to_superusers_alone(mail: OutboxMessage) -> None:
    address = f"/admin/mail/outboxmessage/{mail.pk}/change/"
    shown = _staff("view_outboxmessage").get(address).content.decode()
    assert mail.message_id.strip("<>") in shown
    assert "this is a note." not in shown
    everything = _staff(is_superuser=True).get(address).content.decode()
    assert "this is a note." in everything
    assert "<textarea" not in everything


def test_admin_sends_again_only_with_permission(mail: OutboxMessage) -> None:
    delivery.deliver(mail.pk)
    action = {"action": "send_again", "_selected_action": [mail.pk]}
    _staff("view_outboxmessage").post("/admin/mail/outboxmessage/", action)
    assert OutboxMessage.objects.get().state == "sent"
    page = _staff("view_outboxmessage", "change_outboxmessage").post(
        "/admin/mail/outboxmessage/", action, follow=True
    )
    assert OutboxMessage.objects.get().state == "queued"
    assert "1 queued again." in page.content.decode()


def test_admin_can_erase_a_member_with_their_mail(mail: OutboxMessage, owner: User) -> None:
    client = _staff(is_superuser=True)
    client.post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"})
    assert not OutboxMessage.objects.filter(
        pk=mail.pk
    ).exists()  # only the farewell is left, until it is sent
    assert not User.objects.filter(pk=owner.pk).exists()
