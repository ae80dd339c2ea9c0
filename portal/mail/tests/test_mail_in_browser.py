"""The pages about mail, and a mail's own HTML, in a real browser."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import expect

from portal.mail.kinds import Kind
from portal.mail.models import OutboxMessage
from portal.mail.preferences import Reader, unsubscribe_url
from portal.mail.services import Attachment
from portal.mail.tests.test_services import queue
from portal.tests.browser import NewPage, axe_findings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "light"), (360, "dark"), (1600, "light"), (1600, "dark")]
)
def test_pages_please_axe_and_fit_the_window(
    new_page: NewPage, live_server: Any, news: Kind, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    page.goto(live_server.url + "/mailbox/")
    assert axe_findings(page) == []
    mail = queue(
        kind="news",
        transactional=False,
        to="somebody-with-a-rather-long-address@subdomain.example.org",
        attachments=[Attachment("meetup.ics", "text/calendar; method=REQUEST; charset=utf-8", b"x")],
    )
    assert mail is not None
    OutboxMessage.objects.update(last_error="The server could not be reached: Connection refused.")
    stop = unsubscribe_url(Reader(email="asha@example.org"), news).removeprefix("http://localhost:8000")
    for path in ["/mailbox/", f"/mailbox/{mail.pk}/", f"/mailbox/{mail.pk}/html/", stop]:
        page.goto(live_server.url + path)
        for summary in page.locator("main summary").all():
            summary.click()
        if not path.endswith("html/"):  # shut in a sandbox where axe's script cannot run
            assert axe_findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_newcomer_finishes_signing_up_through_the_mailbox(
    new_page: NewPage, live_server: Any, settings: Any
) -> None:
    """No worker runs and no mail server is set; the link works from the HTML part in its sandbox too."""
    settings.SITE_URL = live_server.url
    page = new_page()
    page.goto(live_server.url + "/accounts/signup/")
    page.locator("input[name=email]").fill("newcomer@example.org")
    page.locator("input[name=password1]").fill("correct horse battery staple")
    page.locator("main form button[type=submit]").click()
    mail = OutboxMessage.objects.get()
    page.goto(live_server.url + "/mailbox/")
    page.get_by_role("link", name=mail.subject).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(mail.subject)
    page.get_by_role("link", name="See it as HTML").click()
    page.get_by_role("link", name="/accounts/confirm-email/").click()
    page.locator("main form button[type=submit]").click()
    assert mail.to_user is not None
    assert EmailAddress.objects.get(user=mail.to_user).verified
