"""A chapter that somebody organizes, with one of everything that organizers have."""

import datetime as dt
from typing import Any

from django.utils import timezone

from events.models import CoHost, Photo, Venue
from events.series_rules import Rule
from events.services.photos import keep_picture
from events.services.series import start_series
from events.tests.factories import make_chapter, make_dated_meetup, make_organizer
from portal.accounts.models import User
from portal.pictures_sent import Picture
from portal.tests.factories import make_user
from portal.tests.pictures import jpeg


def make_led_chapter(owner: User) -> dict[str, Any]:
    """A confirmed meetup in three days with sign-ups, questions and a photo; ``owner`` organizes it."""
    chapter = make_chapter("chennai", summary="For the tests.")
    make_organizer(chapter, user=owner)
    now = timezone.now()
    start = now.replace(hour=4, minute=30, second=0, microsecond=0) + dt.timedelta(days=3)
    venue = Venue.objects.create(chapter=chapter, name="Seminar hall 2", address="Taramani", room_for=40)
    meetup = make_dated_meetup(
        start, chapter=chapter, slug="chennai-storage-night", title="Storage night", venue=venue, capacity=40
    )
    question = meetup.questions.create(text="Nested KVM?", kind="yes_no", counted_as="have nested KVM")
    rsvp = meetup.rsvps.create(email="guest@example.org", name="A Guest", status="going")
    rsvp.answers.create(question=question, text="yes")
    other = make_dated_meetup(start, title="Of another chapter", slug="of-another-chapter")
    photo = keep_picture(
        Photo(meetup=meetup, alt="Laptops on a table", has_consent=True), Picture(jpeg(), 64, 48)
    )
    photo.save()
    repeated = make_dated_meetup(start, chapter=chapter, title="Reading group", slug="reading-group")
    series = start_series(
        meetup=repeated,
        actor=make_user(is_staff=True),
        rule=Rule.read("FREQ=MONTHLY;BYDAY=2SA"),
        until=None,
        at=now,
    )
    parts = {
        "question": question,
        "rsvp": rsvp,
        "photo": photo,
        "venue": venue,
        "series": series,
        "co_host": CoHost.objects.create(meetup=other, chapter=chapter),
    }
    return {"led_chapter": chapter, "led_meetup": meetup, "led_parts": parts}
