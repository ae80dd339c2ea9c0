"""The whole life of a meetup, on real processes in a real browser, with the mails that a real SMTP server took:
somebody volunteers, gets a chapter, opens a vote, people sign up until it is full, one leaves, the next moves up,
and the door checks them in."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from icalendar import Calendar
from playwright.sync_api import Page, expect

from portal.mail.tests.test_services_real import SmtpServer
from portal.tests.browser import NewPage, axe_findings
from portal.tests.processes import free_port, wait_for
from portal.tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]
PASSWORD = "a short sentence does well"
PEOPLE = {"staff": "Sita Staff", "asha": "Asha Joshi", "ravi": "Ravi Patil", "meera": "Meera Rao"}
_MAKE_PEOPLE = """
from allauth.account.models import EmailAddress
from portal.accounts.models import User
for name, shown in {people!r}.items():
    user = User.objects.create_user(name + "@example.org", {password!r}, display_name=shown, is_staff=name == "staff")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
"""


class Post:
    """The mails that the SMTP server took."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    def to(self, address: str, subject: str) -> EmailMessage:
        """The mail to ``address`` whose subject has ``subject``; waits until it has arrived."""
        wait_for(lambda: bool(self._found(address, subject)), 30)
        (mail,) = self._found(address, subject)
        return mail

    def _found(self, address: str, subject: str) -> list[EmailMessage]:
        return [
            mail for mail in self._server.mails() if mail["To"] == address and subject in str(mail["Subject"])
        ]


def link_in(mail: EmailMessage, path: str) -> str:
    """The address in the text of ``mail`` that has ``path``."""
    body = mail.get_body(("plain",))
    assert body
    found = re.search(rf"https?://\S*{path}\S*", body.get_content())
    assert found, body.get_content()
    return found[0]


def method_of_calendar_in(mail: EmailMessage) -> str:
    """The METHOD of the invitation that a mail carries, the same in its type and in its text (RFC 6047)."""
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    text = part.get_payload(decode=True)
    assert isinstance(text, bytes)
    calendar = Calendar.from_ical(text)
    assert part.get_param("method") == str(calendar["METHOD"])
    return str(calendar["METHOD"])


@pytest.fixture
def post(tmp_path: Path) -> Iterator[SmtpServer]:
    folder = tmp_path / "post"
    folder.mkdir()
    with SmtpServer(free_port(), folder) as server:
        yield server


def _sign_in(new_page: NewPage, url: str, name: str) -> Page:
    page = new_page()
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/me/")
    return page


def _volunteer(asha: Page, staff: Page, url: str, post: Post) -> None:
    """Asha offers to start a chapter in Nagpur, is asked back, and is accepted."""
    asha.goto(f"{url}/chapters/start/")
    asha.get_by_label("City").first.fill("Nagpur")
    asha.get_by_label("What you would be").select_option(label="Lead organizer")
    asha.get_by_label("What you would do").fill(
        "There is a room at my office, and six people who would come."
    )
    asha.get_by_role("button", name="Send the offer").click()
    expect(asha.get_by_role("heading", level=1)).to_have_text("Asha Joshi for Nagpur")
    staff.goto(f"{url}/applications/")
    staff.get_by_role("link", name=re.compile("Nagpur")).first.click()
    staff.get_by_label("Message").fill("How many people does the room hold?")
    staff.get_by_role("button", name="Send").click()
    asha.goto(link_in(post.to("asha@example.org", "An answer to your offer"), "/applications/"))
    asha.get_by_label("Message").fill("Forty, with a projector.")
    asha.get_by_role("button", name="Send").click()
    staff.goto(link_in(post.to("staff@example.org", "Asha Joshi wrote"), "/applications/"))
    expect(staff.locator("main")).to_contain_text("Forty, with a projector.")
    staff.get_by_label("Decision", exact=True).locator("visible=true").and_(
        staff.locator("select")
    ).select_option(label="Accepted")
    staff.get_by_label("Why").fill("Welcome.")
    staff.get_by_role("button", name="Decide").click()
    asha.goto(link_in(post.to("asha@example.org", "Welcome: your offer"), "/applications/"))
    expect(asha.locator("main")).to_contain_text("Accepted")
    asha.goto(f"{url}/chapters/nagpur/")
    expect(asha.locator("main")).to_contain_text("Asha Joshi")


def _announce(asha: Page, url: str) -> str:
    """Asha makes a meetup with one seat, publishes it as an idea and lets people vote; returns its address."""
    asha.goto(f"{url}/chapters/nagpur/meetups/new/")
    asha.get_by_label("Title").fill("Storage night")
    asha.get_by_label("Seats", exact=False).and_(asha.locator("input[type=number]")).first.fill("1")
    asha.locator("main form button[type=submit]").first.click()
    expect(asha.locator("main")).to_contain_text("Draft")
    asha.get_by_label("Idea").check()
    asha.get_by_role("button", name="Publish").click()
    asha.get_by_role("link", name="Poll", exact=True).click()
    for number, day in enumerate(("2031-03-08", "2031-03-15")):
        asha.locator(f"[name=form-{number}-day]").fill(day)
        asha.locator(f"[name=form-{number}-starts]").fill("10:00")
        asha.locator(f"[name=form-{number}-ends]").fill("13:00")
    asha.get_by_role("button", name="Start the vote").click()
    asha.get_by_role("link", name=re.compile("The meetup.s page")).click()
    expect(asha.get_by_role("heading", name="Which date suits you?")).to_be_visible()
    return asha.url


def _vote(page: Page, meetup: str, *choices: str) -> None:
    """One person says what they think of each date."""
    page.goto(meetup)
    page.get_by_role("link", name="Vote on the date").click()
    for group, choice in zip(page.locator("fieldset.poll-date").all(), choices, strict=True):
        group.get_by_label(choice, exact=True).check()
    page.get_by_role("button", name="Vote", exact=True).click()
    expect(page.get_by_role("button", name="Save your votes")).to_be_visible()


def _choose(asha: Page, meetup: str) -> None:
    """Asha takes the second date; the votes for it become seats."""
    asha.goto(f"{meetup}edit/poll/")
    asha.get_by_label(re.compile("15 March 2031")).check()
    asha.get_by_role("button", name="Close the vote with this date").click()
    asha.goto(meetup)
    expect(asha.locator("main")).to_contain_text("Saturday 15 March 2031, 10:00")
    expect(asha.locator("main")).to_contain_text("1 of 1 seats")


def _sign_up_by_mail_alone(new_page: NewPage, meetup: str, post: Post) -> None:
    """Dilip has no account: an address, and the link in the mail that goes there."""
    dilip = new_page(width=360)
    dilip.goto(meetup)
    dilip.get_by_role("link", name="Join the waitlist").click()
    dilip.get_by_label("Your name").fill("Dilip")
    dilip.get_by_label("E-mail address").fill("dilip@example.org")
    dilip.get_by_role("button", name="Join the waitlist").click()
    dilip.goto(link_in(post.to("dilip@example.org", "Please confirm your sign-up"), "/rsvp/"))
    dilip.get_by_role("button", name="Confirm").click()
    expect(dilip.get_by_role("button", name="Leave the waitlist")).to_be_visible()
    post.to("dilip@example.org", "You are on the waitlist")


def _leave_by_one_click(new_page: NewPage, post: Post) -> None:
    """Ravi cannot come after all: the link in his mail, in a browser that is not signed in."""
    mail = post.to("ravi@example.org", "The date is set")
    assert method_of_calendar_in(mail) == "REQUEST"
    ravi = new_page()
    ravi.goto(link_in(mail, r"/rsvp/[^/\s]+/(?!\S)"))  # not the ticket, which is longer
    ravi.get_by_role("button", name="I cannot come").click()
    expect(ravi.locator("main")).to_contain_text("Sign up again")
    assert method_of_calendar_in(post.to("ravi@example.org", "You are not coming")) == "CANCEL"


def _move_up(meera: Page, meetup: str, post: Post) -> str:
    """Meera has the seat; returns her code."""
    mail = post.to("meera@example.org", "You have a seat now")
    assert method_of_calendar_in(mail) == "REQUEST"
    meera.goto(meetup)
    expect(meera.locator("#seats")).to_contain_text("You are going")
    code = meera.locator("#seats .mono").inner_text()
    meera.goto(link_in(mail, "/ticket/"))
    expect(meera.locator("main")).to_contain_text(code)
    return code


def _check_in(asha: Page, meetup: str, code: str) -> None:
    """Asha stands at the door with the list, and types the code that Meera reads out."""
    asha.goto(f"{meetup}check-in/")
    expect(asha.locator("main")).to_contain_text("0 of 1")
    asha.get_by_label("Code of a ticket").fill(code.lower())
    asha.get_by_role("button", name="Check in", exact=True).click()
    expect(asha.locator("main")).to_contain_text("1 of 1")


def test_from_an_offer_to_the_door(tmp_path: Path, new_page: NewPage, post: SmtpServer) -> None:
    var = tmp_path / "var"
    var.mkdir()
    env = {"EMAIL_URL": f"smtp://127.0.0.1:{post.port}", "MAIL_DUE_SECONDS": "0.5"}
    with Stack(var, run=("redis", "web", "mail", "beat"), env=env) as stack:
        stack.python(_MAKE_PEOPLE.format(people=PEOPLE, password=PASSWORD))
        staff, asha = (_sign_in(new_page, stack.url, name) for name in ("staff", "asha"))
        _volunteer(asha, staff, stack.url, Post(post))
        meetup = _announce(asha, stack.url)
        ravi, meera = (_sign_in(new_page, stack.url, name) for name in ("ravi", "meera"))
        _vote(ravi, meetup, "No", "Yes")
        _vote(meera, meetup, "If need be", "Yes")
        _choose(asha, meetup)
        meera.goto(meetup)
        expect(meera.locator("#seats")).to_contain_text("On the waitlist")
        _sign_up_by_mail_alone(new_page, meetup, Post(post))
        _leave_by_one_click(new_page, Post(post))
        _check_in(asha, meetup, _move_up(meera, meetup, Post(post)))
        assert axe_findings(meera) == []
