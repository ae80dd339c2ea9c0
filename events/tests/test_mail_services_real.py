"""A follower, a sign-up by mail and a cancellation, read from a real SMTP server; web, worker, beat of their own."""

import re
from collections import Counter
from email.message import EmailMessage

import icalendar
import pytest

from portal.mail.tests.test_services_real import House, SmtpServer
from portal.mail.tests.test_services_real import database as database
from portal.mail.tests.test_services_real import house as house
from portal.mail.tests.test_services_real import smtp as smtp
from portal.tests.processes import Service


def step(house: House, *argv: str) -> None:
    """A web process does one thing and ends."""
    house.run("-m", "events.tests.mail_driver", *argv)


def arrived(worker: Service, smtp: SmtpServer, subject: str) -> EmailMessage:
    """The mail with that subject, once it is there."""
    worker.wait_until(lambda: any(mail["Subject"] == subject for mail in smtp.mails()), 60)
    return next(mail for mail in smtp.mails() if mail["Subject"] == subject)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def calendar_of(mail: EmailMessage) -> icalendar.Calendar:
    """The calendar that it brings; its method is the one that the part names (RFC 6047, section 2.4)."""
    [part] = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    calendar = icalendar.Calendar.from_ical(content)
    assert part.get_param("method") == calendar["METHOD"]
    return calendar


@pytest.mark.services
def test_follower_sign_up_and_cancellation_by_real_mail(house: House, smtp: SmtpServer) -> None:
    house.env |= {"MAIL_SETTLE_SECONDS": "0", "BEAT_SECONDS": "1"}
    smtp.start()
    with house.worker() as worker:
        step(house, "publish")
        news = arrived(worker, smtp, "New meetup in Pune: Nested KVM №1")
        assert news["To"] == "fan@example.org"
        assert news["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        step(house, "one-click", news["List-Unsubscribe"].strip(" <>"))

        step(house, "join")
        asked = text_of(arrived(worker, smtp, "Please confirm your sign-up: Nested KVM №1"))
        link = re.search(r"http://\S+/rsvp/\S+", asked)
        assert link
        step(house, "press", link[0], "confirm")
        going = arrived(worker, smtp, "You are going: Nested KVM №1")
        assert going["To"] == "asha@example.org"
        assert "IST (UTC+05:30)" in text_of(going)
        entry = calendar_of(going)
        assert entry["METHOD"] == "REQUEST"

        step(house, "cancel")
        off = arrived(worker, smtp, "Cancelled: Nested KVM №1")
        assert "No room." in text_of(off)
        withdrawn = calendar_of(off)
        assert withdrawn["METHOD"] == "CANCEL"
        before, after = (one.walk("VEVENT")[0] for one in (entry, withdrawn))
        assert str(before["UID"]) == str(after["UID"])
        assert int(str(after["SEQUENCE"])) > int(str(before["SEQUENCE"]))
    assert Counter(mail["To"] for mail in smtp.mails()) == {"fan@example.org": 1, "asha@example.org": 3}
