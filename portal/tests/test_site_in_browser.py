"""Every page in a real browser: axe finds nothing in light, dark and narrow, and nothing sticks out at 360 px."""

from collections.abc import Iterator

import pytest
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from portal.accounts.models import User
from portal.tests.addresses import ADDRESSES
from portal.tests.browser import NewPage, axe_findings, overflow, sign_in
from portal.tests.factories import signed_in
from portal.tests.sample_world import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _pages(owner: User, person: str) -> Iterator[str]:
    """What a person meets: the page for 404 once, and of an owner's pages those that a stranger does not get alike."""
    world, missing = make_world(owner), 0
    for address in ADDRESSES:
        answer = getattr(address, person)
        if not address.is_page or answer not in (200, 401, 404):
            continue
        if person == "owner" and answer == address.stranger and not address.name.startswith("labtools:"):
            continue
        missing += answer == 404
        if answer != 404 or missing == 1:
            yield reverse(address.name, kwargs=address.arguments(world))


@pytest.mark.parametrize("person", ["stranger", "owner"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    person: str, owner: User, live_server: LiveServer, new_page: NewPage
) -> None:
    urls = list(_pages(owner, person))
    page = new_page()
    if person == "owner":
        sign_in(page, signed_in(owner), live_server.url)
    wrong = []
    for url in urls:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": 1280, "height": 900})
        response = page.goto(f"{live_server.url}{url}")
        assert response
        assert response.status in (200, 401, 404), url
        found = [f"light: {finding}" for finding in axe_findings(page)]
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        found += [
            f"dark: {finding}" for finding in axe_findings(page, ("color-contrast", "link-in-text-block"))
        ]
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": 360, "height": 740})
        found += [f"360 px: {finding}" for finding in axe_findings(page)]
        if wider := overflow(page):
            found.append(f"360 px: {wider} px too wide")
        wrong += [f"{person} at {url}: {finding}" for finding in found]
    assert wrong == []
