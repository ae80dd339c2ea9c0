"""Every page about accounts, judged as a whole: structure, policy, and what axe finds."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.tests.conftest import SignIn, confirmed, last_mail, link_in
from portal.tests.addresses import ADDRESSES
from portal.tests.browser import NewPage, axe_findings
from portal.tests.browser import sign_in as give
from portal.tests.factories import PASSWORD

ENTRANCE = [
    "account_login",
    "account_signup",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_inactive",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
]
OWN = [
    "me",
    "me_profile",
    "me_notifications",
    "me_sessions",
    "me_data",
    "me_delete",
    "account_email",
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "socialaccount_connections",
]
PROTECTED = ["mfa_index", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"]


def pages(owner: User, member: User, sign_in: SignIn) -> Iterator[tuple[str, Client, str]]:
    """Name, browser and address of every page, each in the state in which a person meets it."""
    stranger, mine = Client(), confirmed(sign_in(owner))
    yield from ((name, stranger, reverse(name)) for name in ENTRANCE)
    yield from ((name, mine, reverse(name)) for name in OWN)
    stranger.post(reverse("account_reset_password"), {"email": owner.email})
    yield "reset link", stranger, link_in(last_mail(owner.email), "password/reset/key")
    yield "reset link used up", stranger, "/accounts/password/reset/key/1-bad-key/"
    stranger.post(reverse("account_signup"), {"email": "new@example.org", "password1": PASSWORD})
    yield "confirmation", stranger, link_in(last_mail("new@example.org"), "confirm-email")
    yield "confirmation used up", stranger, "/accounts/confirm-email/nothing/"
    half, guarded = Client(), confirmed(sign_in(member))
    Authenticator.objects.create(user=member, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    Authenticator.objects.create(user=member, type="recovery_codes", data={"seed": "ab" * 20, "used_mask": 0})
    half.post(reverse("account_login"), {"login": member.email, "password": PASSWORD})
    yield "second step", half, reverse("mfa_authenticate")
    yield "confirmation by code", guarded, reverse("mfa_reauthenticate")
    yield from ((name, guarded, reverse(name)) for name in PROTECTED)
    key = Authenticator.objects.create(user=member, type="webauthn", data={"name": "Key", "credential": {}})
    yield from (
        (name, guarded, reverse(name, args=[key.pk])) for name in ("mfa_edit_webauthn", "mfa_remove_webauthn")
    )
    yield "passkeys", guarded, reverse("mfa_list_webauthn")


@pytest.mark.django_db
def test_every_page_is_whole_and_keeps_the_policy(owner: User, member: User, sign_in: SignIn) -> None:
    for name, client, path in pages(owner, member, sign_in):
        answer = client.get(path, follow=True)
        text = answer.content.decode()
        assert answer.status_code in (200, 401), name
        assert len(re.findall(r"<h1\b", text)) == 1, name
        title = re.search(r"<title>\s*(.*?)\s*·", text, re.S)
        assert title, name
        assert title[1], name
        assert 'content="noindex"' in text, name
        assert not re.search(r"<script(?![^>]*\b(src|type=\"application/json\"))", text), name
        assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=", text), name
        assert "unsafe" not in answer.headers["Content-Security-Policy"], name
        for field in re.findall(r"<input(?![^>]*type=\"(?:hidden|checkbox|radio)\")[^>]*>", text):
            found = re.search(r'id="([^"]+)"', field)
            assert found, (name, field)
            assert f'for="{found[1]}"' in text, (name, field)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark", "width": 360}])
def test_every_page_is_accessible_and_fits(
    look: dict[str, Any], owner: User, member: User, sign_in: SignIn, live_server: Any, new_page: NewPage
) -> None:
    page = new_page(**look)
    elsewhere = {address.name for address in ADDRESSES if 200 in (address.stranger, address.owner)}
    for name, client, path in pages(owner, member, sign_in):
        if name in elsewhere:  # judged with the pages of the whole site
            continue
        page.context.clear_cookies()
        give(page, client, live_server.url)
        page.goto(live_server.url + path)
        assert axe_findings(page) == [], name
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide == 0, name
