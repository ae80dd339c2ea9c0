"""Votes and the page at the door in a real browser: without a network, in both themes, and on a small screen."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from events.models import AuditLog, Meetup, Rsvp
from events.services import check_in
from events.services.check_in import Act
from events.tests.factories import make_dated_meetup, make_meetup, make_organizer
from events.tests.poll_factories import make_poll, vote, vote_by_mail
from portal.accounts.models import User
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in
from portal.tests.factories import make_user
from portal.tests.line import Line
from portal.tests.processes import wait_for

HOUR_AHEAD = dt.timedelta(minutes=50)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def meetup(owner: User) -> Meetup:
    """A meetup that begins within the hour, of the owner's chapter, with four people and one who waits."""
    found = make_dated_meetup(timezone.now() + HOUR_AHEAD, capacity=6)
    make_organizer(found.chapter, user=owner)
    for name in ("Asha Rao", "Bela Shah", "Chetan Patil", "Devika Nair"):
        Rsvp.objects.create(meetup=found, status="going", email=f"{name[0]}@example.org".lower(), name=name)
    Rsvp.objects.create(
        meetup=found, status="waitlisted", email="w@example.org", name="Waiting Person", guests=1
    )
    return found


def open_door(page: Page, client: Client, url: str, meetup: Meetup) -> None:
    """The page at the door, kept in the browser."""
    sign_in(page, client, url)
    page.goto(url + reverse("events:check_in", args=[meetup.slug]))
    page.wait_for_selector("#door[data-kept]", timeout=60000)


def here(meetup: Meetup) -> set[str]:
    """Who is checked in, by the database."""
    return set(meetup.rsvps.filter(checked_in_at__isnull=False).values_list("name", flat=True))


def test_three_people_are_checked_in_without_a_network_and_once(
    new_page: NewPage, live_server: Any, meetup: Meetup, as_owner: Client, member: User
) -> None:
    with Line(live_server.url) as line:
        page = new_page()
        open_door(page, as_owner, line.url, meetup)
        people = {one.name: one for one in meetup.rsvps.all()}
        line.cut()
        page.get_by_role("button", name="Check in Asha Rao").click()
        expect(page.locator("[data-network]")).to_contain_text("No network")
        page.fill("#id_code", people["Bela Shah"].code.lower())
        page.press("#id_code", "Enter")
        expect(page.locator("[data-said]")).to_have_text("Bela Shah is checked in.")
        page.fill("#id_code", people["Bela Shah"].code)
        page.press("#id_code", "Enter")
        expect(page.locator("[data-said]")).to_contain_text("Bela Shah was already checked in")
        page.reload()  # the worker answers
        expect(page.locator("[data-here]")).to_have_text("2")
        page.get_by_role("button", name="Check in Chetan Patil").click()
        expect(page.locator("[data-network]")).to_contain_text("Waiting here to be sent: 3.")
        assert here(meetup) == set()
        # Another helper is quicker with one of them.
        make_organizer(meetup.chapter, user=member, role="check_in")
        act = Act(
            key=check_in.new_key(),
            what="in",
            at=timezone.now() - 2 * HOUR_AHEAD,
            rsvp_pk=people["Asha Rao"].pk,
        )
        check_in.act_at_door(meetup=meetup, actor=member, acts=[act], at=timezone.now())

        line.mend()
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.locator("[data-network]")).to_be_hidden(timeout=30000)
        expect(page.locator("[data-said]")).to_contain_text("Asha Rao was already checked in at")
        expect(page.locator("[data-said]")).to_contain_text("by Ravi Member")
        assert here(meetup) == {"Asha Rao", "Bela Shah", "Chetan Patil"}
        assert AuditLog.objects.filter(act="check_in").count() == 4
        expect(page.locator("[data-here]")).to_have_text("3")
        page.reload()
        expect(page.locator("[data-here]")).to_have_text("3")
        page.get_by_role("button", name="Undo Bela Shah").click()
        wait_for(lambda: here(meetup) == {"Asha Rao", "Chetan Patil"})
        assert AuditLog.objects.filter(act="check_in").count() == 4, "nothing was sent a second time"


def test_what_the_browser_keeps_is_no_secret_and_goes_with_signing_out(
    new_page: NewPage, live_server: Any, meetup: Meetup, as_owner: Client
) -> None:
    page = new_page()
    open_door(page, as_owner, live_server.url, meetup)
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "Asha Rao" in kept
    assert not [one for one in meetup.rsvps.all() if one.code in kept or one.email in kept]
    page.goto(live_server.url + reverse("account_logout"))
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(live_server.url + "/")
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("caches.keys()") == []


def test_the_list_of_another_reader_is_wiped(
    new_page: NewPage, live_server: Any, meetup: Meetup, as_owner: Client
) -> None:
    page = new_page()
    open_door(page, as_owner, live_server.url, meetup)
    page.evaluate("localStorage.setItem('door-0', JSON.stringify({reader: 0, until: 9e9, people: []}))")
    page.evaluate("localStorage.setItem('door-1000', JSON.stringify({reader: 0, until: 1, people: []}))")
    page.reload()
    expect(page.locator("[data-here]")).to_have_text("0")
    assert page.evaluate("Object.keys(localStorage)") == [f"door-{meetup.pk}"]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light")])
def test_pages_please_axe_and_fit_the_window(
    new_page: NewPage,
    live_server: Any,
    meetup: Meetup,
    owner: User,
    as_owner: Client,
    width: int,
    scheme: str,
) -> None:
    poll = make_poll(owner, make_meetup(title="Nested virtualization evening"))
    for n in range(6):
        vote(poll, "yes", "if_need_be" if n % 2 else "no", "no", user=make_user(display_name=f"Voter {n}"))
    vote_by_mail(poll, "yes", "yes", "yes")
    new = make_meetup()
    make_organizer(new.chapter, user=owner)
    Rsvp.objects.create(meetup=meetup, status="going", user=owner)
    Rsvp.objects.filter(name="Asha Rao").update(checked_in_at=timezone.now(), checked_in_by=owner)
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, as_owner, live_server.url)
    shots = os.environ.get("SCREENSHOTS")
    for name, slug in (
        ("poll", poll.meetup.slug),
        ("manage_poll", poll.meetup.slug),
        ("meetup", poll.meetup.slug),
        ("manage_poll", new.slug),
        ("check_in", meetup.slug),
        ("ticket", meetup.slug),
    ):
        page.goto(live_server.url + reverse(f"events:{name}", args=[slug]))
        for fold in page.locator("main summary").all():
            fold.click()
        assert axe_findings(page) == [], name
        assert overflow(page) == 0, name
        if shots:
            page.screenshot(path=Path(shots) / f"{name}-{slug}-{width}-{scheme}.png", full_page=True)
