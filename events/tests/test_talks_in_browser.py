"""The programme of a meetup in a real browser, by keyboard alone."""

import pytest
from pytest_django.live_server_helper import LiveServer

from events.tests.factories import make_chapter, make_meetup, make_organizer
from events.tests.talk_factories import make_session, make_talk
from portal.accounts.models import User
from portal.tests.browser import NewPage, sign_in
from portal.tests.factories import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("java_script", [True, False])
def test_talk_is_moved_to_the_end_by_pressing_one_key(
    owner: User, live_server: LiveServer, new_page: NewPage, java_script: bool
) -> None:
    meetup = make_meetup(make_chapter("pune"), slug="night")
    make_organizer(meetup.chapter, user=owner)
    for position, title in enumerate(("One", "Two", "Three"), 1):
        talk = make_talk(title=title)
        make_session(meetup.chapter, talk=talk, meetup=meetup, status="accepted", position=position)
    page = new_page(java_script_enabled=java_script)
    sign_in(page, signed_in(owner), live_server.url)
    page.goto(f"{live_server.url}/meetups/night/talks/")
    page.get_by_role("button", name="Down: “One”").focus()
    for place in (2, 3):
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.get_by_text(f"“One” is now number {place}.").is_visible()
        focused = page.locator("button:focus")
        assert focused.get_attribute("aria-label") == "Down: “One”"
    titles = page.locator("ol.entries h3").all_inner_texts()
    assert [title.split()[-1] for title in titles] == ["Two", "Three", "One"]
