"""The announcement, as the portal starts with it: the facts of the announcement and no others."""

import pytest

from events import starting_content
from events.models import Chapter, ChapterMembership, Meetup

pytestmark = pytest.mark.django_db


def test_three_chapters_with_the_organizers_that_the_announcement_names() -> None:
    starting_content.load()
    organizers = {
        chapter.city: [person.shown_name for person in chapter.memberships.leading()]
        for chapter in Chapter.objects.all()
    }
    assert organizers == {
        "Bangalore": [],
        "Pune": ["Anil Vettathu"],
        "Aurangabad": ["Ashutosh Sudhakar Bhakare"],
    }


def test_each_chapter_has_a_first_meetup_without_date_or_venue() -> None:
    starting_content.load()
    rows = Meetup.objects.values_list(
        "chapter__city", "status", "date_precision", "starts_at", "ends_at", "venue_notes"
    )
    assert sorted(rows) == [
        (city, "idea", "none", None, None, "") for city in ("Aurangabad", "Bangalore", "Pune")
    ]


def test_loading_twice_makes_nothing_twice() -> None:
    assert len(starting_content.load()) == 8
    before = list(Meetup.objects.values()), list(Chapter.objects.values())
    assert starting_content.load() == []
    assert (list(Meetup.objects.values()), list(Chapter.objects.values())) == before


def test_loading_leaves_what_people_changed_or_took_away() -> None:
    starting_content.load()
    Chapter.objects.filter(slug="pune").update(city="Pune and around", status="quiet")
    ChapterMembership.objects.all().delete()
    Meetup.objects.filter(slug="first-pune-meetup").update(slug="pune-one", title="KVM in Pune")
    Meetup.objects.filter(slug="first-aurangabad-meetup").delete()
    assert starting_content.load() == []
    assert Chapter.objects.get(slug="pune").city == "Pune and around"
    assert ChapterMembership.objects.count() == 0
    assert set(Meetup.objects.values_list("title", flat=True)) == {"KVM in Pune", "First Bangalore meetup"}
