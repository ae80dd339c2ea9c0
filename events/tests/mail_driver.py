"""What web processes do in the test with a real mail server: ``python -m events.tests.mail_driver STEP [ADDRESS]``."""

import datetime as dt
import sys
from urllib.parse import urlsplit

import django

django.setup()

from django.test import Client  # noqa: E402  (Django had to be set up first)
from django.utils import timezone  # noqa: E402

from events.models import ChapterFollow, Meetup, Person  # noqa: E402
from events.services.meetups import cancel_meetup, create_meetup, publish_meetup  # noqa: E402
from events.services.seats import join_meetup  # noqa: E402
from events.tests.factories import make_chapter  # noqa: E402


def publish() -> None:
    """A chapter with a follower announces a meetup."""
    now = timezone.now()
    chapter = make_chapter("pune")
    ChapterFollow.objects.create(chapter=chapter, email="fan@example.org", confirmed_at=now)
    fields = {"title": "Nested KVM №1", "starts_at": now + dt.timedelta(days=9), "date_precision": "exact"}
    meetup = create_meetup(chapter=chapter, actor=None, fields=fields, at=now)
    publish_meetup(meetup=meetup, actor=None, status="confirmed", at=now)


def join() -> None:
    """Somebody signs up by e-mail alone."""
    person = Person(email="asha@example.org", name="Asha")
    join_meetup(meetup=Meetup.objects.get(), person=person, at=timezone.now())


def press(address: str, do: str) -> None:
    """A button on the page behind a link of a mail."""
    assert Client(headers={"host": "localhost"}).post(urlsplit(address).path, {"do": do}).status_code == 302


def one_click(address: str) -> None:
    """What a mail program posts for its "unsubscribe" (RFC 8058): no cookie, and no page seen before."""
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    assert client.post(urlsplit(address).path, {"List-Unsubscribe": "One-Click"}).status_code == 200


def cancel() -> None:
    """The organizer calls it off."""
    cancel_meetup(meetup=Meetup.objects.get(), actor=None, reason="No room.", at=timezone.now())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["publish"]:
            publish()
        case ["join"]:
            join()
        case ["press", address, do]:
            press(address, do)
        case ["one-click", address]:
            one_click(address)
        case ["cancel"]:
            cancel()
