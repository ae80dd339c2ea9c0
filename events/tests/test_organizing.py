"""Organizers' acts by their pages: who may, what they do, and what nobody else learns."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core import serializers
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events import models
from events.models import Announcement, AuditLog, Chapter, CoHost, Meetup, Photo, Venue
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup, make_organizer
from events.tests.led_chapter import make_led_chapter
from events.tests.test_views import queries
from portal.accounts.models import User
from portal.tests.factories import make_user
from portal.tests.pictures import jpeg

pytestmark = pytest.mark.django_db
World = dict[str, Any]
DAY = dt.timedelta(days=1)


@pytest.fixture
def world(owner: User) -> World:
    """A chapter that the owner organizes."""
    return make_led_chapter(owner)


def client_of(user: User) -> Client:
    """A browser in which ``user`` is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def everything() -> list[str]:
    """Every row of the room, but the locks' counters and the stored tries of signing in."""
    rows = []
    for model in vars(models).values():
        if isinstance(model, type) and issubclass(model, Model) and not model._meta.abstract:
            rows += [serializers.serialize("json", model._base_manager.order_by("pk"))]
    return rows


#: Each address that changes something, and what an organizer sends to it.
POSTS: list[tuple[str, str, dict[str, Any]]] = [
    ("move_meetup", "meetup", {"status": "tentative"}),
    ("cancel_meetup", "meetup", {"reason": "No room."}),
    ("discard_meetup", "meetup", {}),
    ("copy_meetup", "meetup", {}),
    ("edit_meetup", "meetup", {"title": "Taken over"}),
    ("recap", "meetup", {"recap": "Taken over"}),
    ("repeat_meetup", "meetup", {"how": "weekly", "weekday": "5"}),
    ("edit_questions", "meetup", {"text": "Password?", "kind": "text"}),
    ("edit_question", "question", {"text": "Password?", "kind": "text"}),
    ("remove_question", "question", {}),
    ("raise_question", "question", {}),
    ("export_attendees", "meetup", {}),
    ("export_for_sponsors", "meetup", {}),
    ("remove_attendee", "rsvp", {}),
    ("messages", "meetup", {"audience": "all", "subject": "Spam", "text": "Spam", "confirmed": "yes"}),
    ("co_hosts", "meetup", {"chapter": "pune"}),
    ("withdraw_co_host", "co_host", {}),
    ("photos", "meetup", {"alt": "Spam", "has_consent": "on"}),
    ("remove_photo", "photo", {}),
    ("new_meetup", "chapter", {"title": "Mine"}),
    ("new_venue", "chapter", {"name": "Mine"}),
    ("edit_venue", "venue", {"name": "Mine"}),
    ("delete_venue", "venue", {}),
    ("answer_co_host", "co_host", {"answer": "agree"}),
    ("end_series", "series", {"last_day": "2026-01-01", "reason": "x"}),
    ("chapter_messages", "chapter", {"audience": "followers", "subject": "x", "text": "x", "confirmed": "y"}),
]
_OF_CHAPTER = {"chapter", "venue", "series", "answer_co_host"}


def address(world: World, name: str, part: str) -> str:
    """The address of an act on the organized meetup or chapter."""
    of_chapter = part in _OF_CHAPTER or name in _OF_CHAPTER
    slug = world["led_chapter" if of_chapter else "led_meetup"].slug
    more = {part: world["led_parts"][part].pk} if part in world["led_parts"] else {}
    return reverse(f"events:{name}", kwargs={"slug": slug} | more)


def test_the_posts_of_this_room_are_all_tried_here() -> None:
    from events.urls import _organizing

    taking = {entry.name for entry in _organizing}
    shown_only = {"manage_meetup", "attendees", "venues", "co_hosting", "series_list", "series", "photo"}
    assert {name for name, _, _ in POSTS} == taking - shown_only


@pytest.mark.parametrize("role", [None, "member", "volunteer", "check_in", "ended", "elsewhere", "asked"])
def test_nobody_without_the_role_changes_anything(
    world: World, as_stranger: Client, member: User, role: str | None
) -> None:
    chapter: Chapter = world["led_chapter"]
    if role == "ended":
        make_organizer(chapter, user=member, until=timezone.localdate() - DAY)
    elif role == "elsewhere":
        make_organizer(make_chapter("goa"), user=member)
    elif role == "asked":
        asked = make_chapter("goa")
        make_organizer(asked, user=member)
        CoHost.objects.create(meetup=world["led_meetup"], chapter=asked, status="accepted")
    elif role:
        make_organizer(chapter, user=member, role=role)
    before = everything()
    for client in (as_stranger, client_of(member)):
        for name, part, sent in POSTS:
            url = address(world, name, part)
            assert client.post(url, sent).status_code == 404, url
            assert client.get(url).status_code in (302, 404, 405), url
    assert everything() == before


def test_a_stranger_who_reads_is_led_to_the_sign_in_and_back(world: World, as_stranger: Client) -> None:
    for slug in (world["led_meetup"].slug, "no-such-meetup"):
        answer = as_stranger.get(f"/meetups/{slug}/edit/")
        assert answer.status_code == 302
        assert answer["Location"] == f"/accounts/login/?next=/meetups/{slug}/edit/"


def test_parts_of_other_meetups_and_chapters_are_not_reached(world: World, as_owner: Client) -> None:
    mine: Meetup = world["led_meetup"]
    theirs = make_dated_meetup(timezone.now() + DAY)
    question = theirs.questions.create(text="Theirs")
    venue = Venue.objects.create(chapter=theirs.chapter, name="Theirs")
    co_host = CoHost.objects.create(meetup=theirs, chapter=make_chapter())
    for url in (
        reverse("events:remove_question", args=[mine.slug, question.pk]),
        reverse("events:edit_question", args=[mine.slug, question.pk]),
        reverse("events:edit_question", args=[mine.slug, 0]),
        reverse("events:withdraw_co_host", args=[mine.slug, co_host.pk]),
        reverse("events:delete_venue", args=[mine.chapter.slug, venue.pk]),
        reverse("events:edit_venue", args=[mine.chapter.slug, venue.pk]),
        reverse("events:answer_co_host", args=[mine.chapter.slug, co_host.pk]),
    ):
        assert as_owner.post(url, {"text": "x", "kind": "text", "name": "x"}).status_code == 404, url


# --- a meetup's life


def test_life_of_a_meetup_by_its_pages(world: World, as_owner: Client, owner: User) -> None:
    meetup = make_dated_meetup(
        timezone.now() + 9 * DAY, chapter=world["led_chapter"], status="draft", slug="new"
    )
    page = as_owner.get("/meetups/new/edit/").content.decode()
    assert "Discard the draft" in page
    as_owner.post("/meetups/new/edit/move/", {"status": "confirmed"})
    meetup.refresh_from_db()
    assert meetup.status == "confirmed"
    page = as_owner.get("/meetups/new/edit/").content.decode()
    assert "Discard the draft" not in page
    assert as_owner.post("/meetups/new/edit/move/", {"status": "draft"}).status_code == 422
    assert as_owner.post("/meetups/new/edit/move/", {"status": "polling"}).status_code == 422
    assert as_owner.post("/meetups/new/edit/cancel/", {"reason": ""}).status_code == 422
    as_owner.post("/meetups/new/edit/cancel/", {"reason": "The hall is flooded."})
    assert "The hall is flooded." in as_owner.get("/meetups/new/").content.decode()
    as_owner.post("/meetups/new/edit/move/", {"status": "confirmed"})
    meetup.refresh_from_db()
    assert (meetup.status, meetup.ical_sequence) == ("confirmed", 3)
    acts = AuditLog.objects.filter(meetup=meetup, actor=owner).order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["set_date", "cancel_meetup", "set_date"]
    copied = as_owner.post("/meetups/new/edit/copy/", {"day": "2027-07-03"})
    copy = Meetup.objects.latest("pk")
    assert copied["Location"] == f"/meetups/{copy.slug}/edit/details/"
    assert copy.when.start is not None
    assert meetup.when.start is not None
    assert copy.when.start.time() == meetup.when.start.time()
    as_owner.post(f"/meetups/{copy.slug}/edit/discard/")
    assert not Meetup.objects.filter(pk=copy.pk).exists()


def test_discarding_what_was_seen_says_why_not(world: World, as_owner: Client) -> None:
    answer = as_owner.post("/meetups/chennai-storage-night/edit/discard/", follow=True)
    assert "Cancel it instead of discarding it" in answer.content.decode()


# --- the address of the video meeting

SECRET = "https://meet.example.org/secret-room"


def test_the_video_meeting_is_for_those_who_come_and_organizers(
    world: World, as_owner: Client, as_stranger: Client, member: User
) -> None:
    meetup: Meetup = world["led_meetup"]
    chapter = meetup.chapter.slug
    Meetup.objects.filter(pk=meetup.pk).update(mode="hybrid", online_url=SECRET)
    page = meetup.get_absolute_url()
    assert SECRET in as_owner.get(page).content.decode()
    rsvp = meetup.rsvps.create(user=member, status="maybe")
    for status in ("maybe", "waitlisted", "declined", "going"):
        rsvp.status = status
        rsvp.save()
        assert (SECRET in client_of(member).get(page).content.decode()) is (status == "going"), status
    for client in (as_stranger, client_of(make_user())):
        for url in (
            page,
            "/",
            "/meetups/",
            f"/chapters/{chapter}/",
            f"/chapters/{chapter}/embed/",
            f"/chapters/{chapter}/feed.atom",
            f"/chapters/{chapter}/calendar.ics",
            "/calendar.ics",
            "/meetups/feed.atom",
            f"{page}event.ics",
            "/sitemap.xml",
        ):
            answer = client.get(url)
            assert answer.status_code == 200, url
            body = answer.getvalue().decode().replace("\r\n ", "")
            assert "secret-room" not in body, url


# --- co-hosts


def test_a_chapter_is_named_once_it_has_agreed(
    world: World, as_owner: Client, as_stranger: Client, member: User
) -> None:
    meetup: Meetup = world["led_meetup"]
    goa = make_chapter("goa")
    make_organizer(goa, user=member)
    as_goa, page, listed = client_of(member), meetup.get_absolute_url(), "/chapters/goa/"

    def named() -> tuple[bool, bool]:
        shown = as_stranger.get(page).content.decode()
        return "/chapters/goa/" in shown, meetup.title in as_stranger.get(listed).content.decode()

    as_owner.post(f"{page}edit/co-hosts/", {"chapter": "goa"})
    co_host = CoHost.objects.get(chapter=goa)
    assert named() == (False, False)
    assert meetup.title in as_goa.get("/chapters/goa/co-hosting/").content.decode()
    as_goa.post(f"/chapters/goa/co-hosting/{co_host.pk}/", {"answer": "agree"})
    assert named() == (True, True)
    as_goa.post(f"/chapters/goa/co-hosting/{co_host.pk}/", {"answer": "decline"})
    assert named() == (False, False)
    as_owner.post(f"{page}edit/co-hosts/", {"chapter": "goa"})
    co_host.refresh_from_db()
    assert co_host.status == "asked"
    as_goa.post(f"/chapters/goa/co-hosting/{co_host.pk}/", {"answer": "agree"})
    as_owner.post(f"{page}edit/co-hosts/{co_host.pk}/withdraw/")
    assert named() == (False, False)
    assert not CoHost.objects.filter(chapter=goa).exists()
    assert as_owner.post(f"{page}edit/co-hosts/", {"chapter": meetup.chapter.slug}).status_code == 422


def test_who_asks_does_not_answer(world: World, as_owner: Client) -> None:
    goa = make_chapter("goa")
    co_host = CoHost.objects.create(meetup=world["led_meetup"], chapter=goa)
    assert as_owner.post(f"/chapters/goa/co-hosting/{co_host.pk}/", {"answer": "agree"}).status_code == 404
    co_host.refresh_from_db()
    assert co_host.status == "asked"


# --- venues


def test_a_venue_is_described_once_and_calendars_hear_of_a_new_address(
    world: World, as_owner: Client
) -> None:
    meetup: Meetup = world["led_meetup"]
    over = make_dated_meetup(timezone.now() - DAY, chapter=meetup.chapter, venue=meetup.venue)
    url = address(world, "edit_venue", "venue")
    typed = {"name": "Seminar hall 2", "address": "Taramani", "room_for": "40"}
    as_owner.post(url, typed | {"accessibility": "Lift on the left."})
    meetup.refresh_from_db()
    assert meetup.ical_sequence == 0
    as_owner.post(url, typed | {"address": "Guindy", "latitude": "13.00000", "longitude": "80.20000"})
    meetup.refresh_from_db()
    over.refresh_from_db()
    assert (meetup.ical_sequence, over.ical_sequence) == (1, 0)
    page = as_owner.get(meetup.get_absolute_url()).content.decode()
    assert "Guindy" in page
    assert "https://www.openstreetmap.org/?mlat=13.00000&amp;mlon=80.20000#map=17/13.00000/80.20000" in page


@pytest.mark.parametrize(
    "typed",
    [
        {"map_url": "http://maps.example.org/"},
        {"map_url": "javascript:alert(1)"},
        {"latitude": "12"},
        {"latitude": "91", "longitude": "0"},
        {"latitude": "0", "longitude": "-181"},
        {"latitude": "NaN", "longitude": "1"},
        {"name": ""},
    ],
    ids=str,
)
def test_a_venue_that_cannot_be_is_refused(world: World, as_owner: Client, typed: dict[str, str]) -> None:
    assert as_owner.post(address(world, "new_venue", "chapter"), {"name": "Hall"} | typed).status_code == 422
    assert Venue.objects.count() == 1


def test_a_venue_in_use_stays(world: World, as_owner: Client) -> None:
    answer = as_owner.post(address(world, "delete_venue", "venue"), follow=True)
    assert "1 meetup took or take place there" in answer.content.decode()
    world["led_meetup"].venue = None
    world["led_meetup"].save()
    as_owner.post(address(world, "delete_venue", "venue"))
    assert not Venue.objects.exists()


# --- questions


def test_questions_are_asked_changed_ordered_and_removed(world: World, as_owner: Client) -> None:
    meetup: Meetup = world["led_meetup"]
    url = address(world, "edit_questions", "meetup")
    as_owner.post(url, {"text": "Food?", "kind": "choice", "choices": "Meat\r\n\r\nNone \r\nMeat"})
    first, second = meetup.questions.all()
    assert (second.choices, second.position) == (["Meat", "None"], 1)
    as_owner.post(reverse("events:raise_question", args=[meetup.slug, second.pk]))
    assert [question.text for question in meetup.questions.all()] == ["Food?", "Nested KVM?"]
    for typed in (
        {"text": "x", "kind": "choice", "choices": "one"},
        {"text": "x", "kind": "text", "counted_as": "have one"},
        {"text": "", "kind": "text"},
    ):
        assert as_owner.post(url, typed).status_code == 422
    as_owner.post(reverse("events:remove_question", args=[meetup.slug, first.pk]))
    assert [question.text for question in meetup.questions.all()] == ["Food?"]


def test_answers_that_were_given_keep_their_meaning(world: World, as_owner: Client) -> None:
    meetup, rsvp = world["led_meetup"], world["led_parts"]["rsvp"]
    answered = address(world, "edit_question", "question")
    assert as_owner.post(answered, {"text": "KVM?", "kind": "text"}).status_code == 422
    assert as_owner.post(answered, {"text": "KVM?", "kind": "yes_no"}).status_code == 302
    choice = meetup.questions.create(text="Food?", kind="choice", choices=["Meat", "None"])
    rsvp.answers.create(question=choice, text="Meat")
    url = reverse("events:edit_question", args=[meetup.slug, choice.pk])
    refused = as_owner.post(url, {"text": "Food?", "kind": "choice", "choices": "None\nRice"})
    assert "Somebody has chosen “Meat”" in refused.content.decode()
    assert as_owner.post(url, {"text": "Food?", "kind": "choice", "choices": "Meat\nRice"}).status_code == 302


# --- messages


def message(**more: str) -> dict[str, str]:
    """A message as it is typed."""
    return {"audience": "going", "subject": "Bring a cable", "text": "One is enough."} | more


def test_a_message_is_looked_at_before_it_is_sent_and_sent_once(world: World, as_owner: Client) -> None:
    meetup: Meetup = world["led_meetup"]
    meetup.rsvps.create(user=make_user(), status="waitlisted")
    url = address(world, "messages", "meetup")
    looked = as_owner.post(url, message())
    assert "Send it to 1 person" in " ".join(looked.content.decode().split())
    looked = as_owner.post(url, message(audience="all"))
    assert "Send it to 2 people" in " ".join(looked.content.decode().split())
    assert not Announcement.objects.exists()
    written_on = as_owner.post(url, message(again="yes")).content.decode()
    assert "One is enough." in written_on
    for _ in range(2):
        assert as_owner.post(url, message(confirmed="yes")).status_code == 302
    sent = Announcement.objects.get()
    assert (sent.subject, sent.audience, sent.meetup, sent.is_public) == (
        "Bring a cable",
        "going",
        meetup,
        False,
    )
    assert AuditLog.objects.get(act="send_message").detail == {"subject": "Bring a cable", "receivers": 1}


def test_only_a_public_message_is_on_the_page(world: World, as_owner: Client, as_stranger: Client) -> None:
    url, page = address(world, "messages", "meetup"), world["led_meetup"].get_absolute_url()
    as_owner.post(url, message(confirmed="yes"))
    assert "One is enough." not in as_stranger.get(page).content.decode()
    as_owner.post(url, message(text="The <b>door</b> is blue.", is_public="on", confirmed="yes"))
    assert "The &lt;b&gt;door&lt;/b&gt; is blue." in as_stranger.get(page).content.decode()


def test_messages_that_reach_nobody_or_tell_of_a_draft_are_refused(world: World, as_owner: Client) -> None:
    followers = address(world, "chapter_messages", "chapter")
    refused = as_owner.post(followers, message(audience="followers", confirmed="yes"))
    assert "Nobody would receive" in refused.content.decode()
    draft = make_meetup(world["led_chapter"], status="draft")
    refused = as_owner.post(reverse("events:messages", args=[draft.slug]), message(confirmed="yes"))
    assert "Publish it before" in refused.content.decode()
    assert as_owner.post(followers, message(confirmed="yes")).status_code == 422
    assert not Announcement.objects.exists()


def test_a_line_break_in_a_subject_becomes_a_space(world: World, as_owner: Client) -> None:
    as_owner.post(
        address(world, "messages", "meetup"), message(subject="Hi\r\nBcc: x@example.org", confirmed="y")
    )
    assert Announcement.objects.get().subject == "Hi Bcc: x@example.org"


# --- photos


def sent(data: bytes, **more: str) -> dict[str, Any]:
    """A photo as it is sent."""
    file = SimpleUploadedFile("IMG_me.jpg", data, "image/jpeg")
    return {"image": file, "alt": "A full room", "has_consent": "on"} | more


def test_a_photo_is_shown_to_whoever_may_see_the_meetup(
    world: World, as_owner: Client, as_stranger: Client
) -> None:
    meetup: Meetup = world["led_meetup"]
    url = address(world, "photos", "meetup")
    assert as_owner.post(url, sent(jpeg((300, 200)))).status_code == 302
    photo = Photo.objects.latest("pk")
    assert (photo.width, photo.height, photo.alt) == (300, 200, "A full room")
    assert "IMG_me" not in str(photo.image.name)
    address_of_picture = f"/meetups/{meetup.slug}/photos/{photo.pk}.jpg"
    page = as_stranger.get(meetup.get_absolute_url()).content.decode()
    assert f'src="{address_of_picture}"' in page
    assert 'alt="A full room"' in page
    answer = as_stranger.get(address_of_picture)
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Security-Policy"] == "default-src 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=600"
    assert answer.getvalue()[:2] == b"\xff\xd8"
    Meetup.objects.filter(pk=meetup.pk).update(status="draft")
    assert as_stranger.get(address_of_picture).status_code == 404
    assert "no-store" in as_owner.get(address_of_picture)["Cache-Control"]
    other = make_dated_meetup(timezone.now()).slug
    assert as_owner.get(f"/meetups/{other}/photos/{photo.pk}.jpg").status_code == 404


def test_a_removed_photo_is_gone_from_the_disk(
    world: World, as_owner: Client, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    photo: Photo = world["led_parts"]["photo"]
    storage, name = photo.image.storage, str(photo.image.name)
    assert storage.exists(name)
    with django_capture_on_commit_callbacks(execute=True):
        as_owner.post(address(world, "remove_photo", "photo"))
    assert not storage.exists(name)
    assert as_owner.get(address(world, "photo", "photo")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"alt": ""}, {"alt": "   "}, {"has_consent": ""}, {"image": ""}],
    ids=str,
)
def test_a_photo_needs_words_and_consent(world: World, as_owner: Client, wrong: dict[str, str]) -> None:
    answer = as_owner.post(address(world, "photos", "meetup"), sent(jpeg()) | wrong)
    assert answer.status_code == 422
    assert Photo.objects.count() == 1


def test_a_file_that_is_no_picture_is_refused_and_one_too_long_never_read(
    world: World, as_owner: Client
) -> None:
    url = address(world, "photos", "meetup")
    refused = as_owner.post(url, sent(b"<svg onload=alert(1)>"))
    assert "This is an SVG" in refused.content.decode()
    assert as_owner.post(url, sent(b"\xff" * (12 * 1024**2 + 1))).status_code == 400
    assert Photo.objects.count() == 1


# --- what pages cost


@pytest.mark.parametrize(
    "name", ["manage_meetup", "edit_meetup", "edit_questions", "attendees", "co_hosts", "photos", "messages"]
)
def test_pages_cost_the_same_for_many(world: World, as_owner: Client, owner: User, name: str) -> None:
    meetup: Meetup = world["led_meetup"]
    url = address(world, name, "meetup")

    def grow(number: int) -> None:
        for _ in range(number):
            rsvp = meetup.rsvps.create(user=make_user(), status="going")
            question = meetup.questions.create(text="Which?", kind="text")
            rsvp.answers.create(question=question, text="This")
            CoHost.objects.create(meetup=meetup, chapter=make_chapter())
            Announcement.objects.create(
                chapter=meetup.chapter, meetup=meetup, author=owner, subject="s", text="t"
            )
            AuditLog.objects.create(meetup=meetup, actor=make_user(), act="change_meetup")

    grow(1)
    as_owner.get(url)  # the first page of a session notes that it is in use
    one = queries(as_owner, url)
    grow(2)
    assert queries(as_owner, url) == one <= 16


def test_three_hundred_attendees_cost_as_much_as_three(world: World, as_owner: Client) -> None:
    meetup: Meetup = world["led_meetup"]
    url = address(world, "attendees", "meetup")
    as_owner.get(url)

    def add(numbers: range) -> None:
        meetup.rsvps.bulk_create(
            models.Rsvp(meetup=meetup, email=f"p{number}@example.org", name=f"P{number}", status="going")
            for number in numbers
        )

    add(range(3))
    three = queries(as_owner, url)
    add(range(3, 300))
    assert queries(as_owner, url) == three


def test_a_full_meetup_page_takes_a_visitor_five_queries(
    world: World, as_stranger: Client, owner: User
) -> None:
    meetup: Meetup = world["led_meetup"]
    Announcement.objects.create(
        chapter=meetup.chapter, meetup=meetup, author=owner, subject="s", text="t", is_public=True
    )
    for _ in range(3):
        CoHost.objects.create(meetup=meetup, chapter=make_chapter(), status="accepted")
    assert queries(as_stranger, meetup.get_absolute_url()) <= 5


def test_the_admin_only_looks(world: World) -> None:
    staff = make_user(is_staff=True, is_superuser=True)
    client, pk = client_of(staff), world["led_meetup"].pk
    page = client.get(f"/admin/events/meetup/{pk}/change/")
    assert page.status_code == 200
    assert "/meetups/chennai-storage-night/edit/" in page.content.decode()
    before = everything()
    for action in (f"{pk}/change/", f"{pk}/delete/", "add/"):
        assert client.post(f"/admin/events/meetup/{action}", {"title": "x", "post": "yes"}).status_code == 403
    assert everything() == before


def test_the_admin_changes_a_chapter_but_not_who_runs_it(world: World) -> None:
    client, chapter = client_of(make_user(is_staff=True, is_superuser=True)), world["led_meetup"].chapter
    address = f"/admin/events/chapter/{chapter.pk}/change/"
    assert b"memberships-0-DELETE" not in client.get(address).content
    roles = list(chapter.memberships.values())
    fields = {"slug": chapter.slug, "city": "Renamed", "country": "India", "time_zone": "Asia/Kolkata"}
    gone = {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": roles[0]["id"],
    }
    gone |= {"memberships-0-chapter": chapter.pk, "memberships-0-DELETE": "on"}
    assert client.post(address, fields | {"status": "active"} | gone).status_code == 302
    chapter.refresh_from_db()
    assert chapter.city == "Renamed"
    assert list(chapter.memberships.values()) == roles
