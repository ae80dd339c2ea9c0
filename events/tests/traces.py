"""A member who is in every table of this room that can name one, by account and by address."""

from django.utils import timezone

from events.models import (
    Announcement,
    ApplicationMessage,
    Block,
    CalendarToken,
    Chapter,
    ChapterFollow,
    CoHost,
    Conference,
    DateBallot,
    DatePoll,
    OrganizerApplication,
    Photo,
    ProblemReport,
    Rsvp,
    Session,
    Speaker,
    SpeakerClaim,
    Talk,
    TripReport,
)
from events.services.audit import note_act
from events.tests.factories import make_chapter, make_meetup, make_organizer
from portal.accounts.models import User
from portal.tests.factories import make_user


def leave_traces(user: User, *, second: str) -> None:
    """Make those rows; ``second`` is another verified address of ``user``, used before they had an account."""
    chapter, other = make_chapter(), make_chapter()
    meetup, elsewhere = make_meetup(chapter), make_meetup(other)
    _run_a_chapter(user, chapter)
    ChapterFollow.objects.create(chapter=chapter, user=user, confirmed_at=timezone.now())
    ChapterFollow.objects.create(chapter=other, email=second, confirmed_at=timezone.now())
    _offer_and_report(user, chapter, second)
    Rsvp.objects.create(meetup=meetup, user=user, status="going")
    Rsvp.objects.create(meetup=elsewhere, email=second, name="Asha Unmistakable", status="going")
    Rsvp.objects.create(meetup=meetup, user=make_user(), status="going", checked_in_by=user)
    poll = DatePoll.objects.create(meetup=meetup, created_by=user)
    DateBallot.objects.create(poll=poll, user=user)
    DateBallot.objects.create(
        poll=DatePoll.objects.create(meetup=elsewhere), email=second, name="Unmistakable"
    )
    CoHost.objects.create(meetup=meetup, chapter=other, asked_by=user, answered_by=user)
    Announcement.objects.create(chapter=chapter, meetup=meetup, author=user, subject="News", text="News.")
    picture = {"image": "photos/x.webp", "width": 1, "height": 1, "alt": "A room", "has_consent": True}
    Photo.objects.create(meetup=meetup, uploaded_by=user, **picture)
    CalendarToken.objects.create(user=user)
    _speak(user, chapter)


def _run_a_chapter(user: User, chapter: Chapter) -> None:
    make_organizer(chapter, user=user, role="lead", lead_offered_by=user)
    Block.objects.create(chapter=chapter, user=user, blocked_by=user)
    note_act("give_role", actor=user, chapter=chapter, person=user.name)


def _offer_and_report(user: User, chapter: Chapter, second: str) -> None:
    own = OrganizerApplication.objects.create(
        applicant=user, chapter=chapter, motivation="x", decided_by=user
    )
    ApplicationMessage.objects.create(application=own, author=user, text="I am Asha Unmistakable.")
    theirs = OrganizerApplication.objects.create(applicant=make_user(), chapter=chapter, motivation="x")
    ApplicationMessage.objects.create(application=theirs, author=user, text="I am Asha Unmistakable.")
    report = ProblemReport.objects.create(
        chapter=chapter, reporter=user, handled_by=user, contact=second, text="What happened."
    )
    report.kept_from.add(user)


def _speak(user: User, chapter: Chapter) -> None:
    Speaker.objects.create(slug="unmistakable", name="Asha Unmistakable", user=user)
    known = Speaker.objects.create(slug="somebody", name="Somebody")
    SpeakerClaim.objects.create(speaker=known, user=user, decided_by=user)
    talk = Talk.objects.create(slug="a-talk", title="A talk", proposed_by=user)
    Session.objects.create(talk=talk, chapter=chapter, status="accepted", decided_by=user)
    conference = Conference.objects.create(slug="a-conference", name="C", city="C", country="C", year=2026)
    TripReport.objects.create(
        conference=conference, slug="report", title="R", author=user, published_at=timezone.now()
    )
