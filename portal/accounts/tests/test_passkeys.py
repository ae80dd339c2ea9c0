"""Passkeys in a real Chromium, with the virtual authenticator of its DevTools protocol."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from playwright.sync_api import Page, expect

from portal.accounts.models import User
from portal.accounts.tests.conftest import last_mail
from portal.tests.browser import NewPage, axe_findings
from portal.tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def with_authenticator(page: Page) -> Any:
    """Give the browser a device that holds passkeys and always says yes; returns the DevTools session."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


def by_password(page: Page, url: str, user: User) -> None:
    page.goto(url + reverse("account_login"))
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/me/$|/authenticate/$"))


def add_passkey(page: Page, url: str, name: str, alone: bool) -> None:
    page.goto(url + reverse("mfa_add_webauthn"))
    if page.get_by_role("heading", level=1).inner_text() == "Confirm that it is you":
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Sign in with this passkey alone").set_checked(alone)
    page.get_by_role("button", name="Go on").click()


def test_a_passkey_is_added_renamed_signs_in_alone_and_is_removed(
    live_server: Any, new_page: NewPage
) -> None:
    user, page = make_user(display_name="Asha"), new_page()
    with_authenticator(page)
    by_password(page, live_server.url, user)
    add_passkey(page, live_server.url, "Blue key", alone=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    assert last_mail(user.email).subject == "A passkey is added"

    page.goto(live_server.url + reverse("mfa_list_webauthn"))
    expect(page.locator("main")).to_contain_text("Signs in alone")
    page.get_by_role("link", name="Rename Blue key").click()
    page.get_by_label("Name").fill("Green key")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Green key")).to_be_visible()

    page.goto(live_server.url + reverse("account_logout"))
    page.locator("main").get_by_role("button", name="Sign out").click()
    page.goto(live_server.url + reverse("account_login") + "?next=/me/profile/")
    assert axe_findings(page) == []
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(live_server.url + "/me/profile/")

    page.goto(live_server.url + reverse("mfa_list_webauthn"))
    page.get_by_role("link", name="Remove Green key").click()
    if page.get_by_role("heading", level=1).inner_text() == "Confirm that it is you":
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("No passkeys yet")).to_be_visible()
    assert not Authenticator.objects.filter(type="webauthn").exists()


def test_a_passkey_is_the_second_step_and_confirms_who_one_is(live_server: Any, new_page: NewPage) -> None:
    user, page = make_user(display_name="Asha"), new_page()
    with_authenticator(page)
    by_password(page, live_server.url, user)
    add_passkey(page, live_server.url, "Key", alone=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    page.context.clear_cookies()

    by_password(page, live_server.url, user)
    expect(page.get_by_role("heading", level=1)).to_have_text("The second step")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(live_server.url + "/me/")

    page.goto(live_server.url + reverse("me_delete"))
    page.get_by_role("link", name="Use a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Erase your account")


def test_a_device_that_says_no_is_explained(live_server: Any, new_page: NewPage) -> None:
    page = new_page()
    devtools = with_authenticator(page)
    page.goto(live_server.url + reverse("account_login"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again")
    devtools.detach()


def test_without_javascript_no_passkey_button_is_shown(live_server: Any, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(live_server.url + reverse("account_login"))
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
