"""The blocks about meetups and conferences that articles show: public ones alone, and when they are drawn anew."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import Conference
from events.tests.factories import make_chapter, make_dated_meetup, make_meetup
from portal.embeds.registry import Embed, find

pytestmark = pytest.mark.django_db


def embed(name: str) -> Embed:
    """The block of that name."""
    found = find(name)
    assert found is not None
    return found


def test_the_next_meetups_of_a_chapter() -> None:
    pune = make_chapter("pune")
    soon = timezone.now() + dt.timedelta(days=3)
    make_dated_meetup(soon, chapter=pune, title="Soon & near")
    make_dated_meetup(soon - dt.timedelta(days=9), chapter=pune, title="Past")
    make_meetup(pune, title="Idea")
    make_meetup(pune, title="Secret", status="draft")
    make_dated_meetup(soon, chapter=make_chapter("delhi"), title="Elsewhere")
    html = " ".join(embed("meetups").draw("pune").split())
    assert "Next meetups in Pune" in html
    assert "Soon &amp; near" in html
    assert "Idea</a>, date open" in html
    assert not [word for word in ("Past", "Secret", "Elsewhere") if word in html]


@pytest.mark.parametrize("name", ["meetups", "conference"])
@pytest.mark.parametrize("argument", ["", "nosuch", "<script>alert(1)</script>", "x" * 200, "%00 '\" --"])
def test_any_argument_gives_a_block_in_which_nothing_runs(name: str, argument: str) -> None:
    html = embed(name).draw(argument)
    assert "There is no" in html
    assert "<script" not in html
    assert 'class="live-block' in html


def test_a_conference_says_when_and_where() -> None:
    Conference.objects.create(slug="kf", name="KVM Forum", city="Edinburgh", country="UK", year=2013)
    html = " ".join(embed("conference").draw("kf").split())
    assert "Edinburgh, UK, 2013. 0 talks and 0 trip reports." in html
    assert 'href="/conferences/kf/"' in html


def test_stamps_follow_what_is_shown() -> None:
    seen = [embed("meetups").stamp()]
    pune = make_chapter("pune")
    seen.append(embed("meetups").stamp())
    meetup = make_dated_meetup(timezone.now() + dt.timedelta(days=3), chapter=pune)
    seen.append(embed("meetups").stamp())
    assert embed("meetups").stamp() == seen[-1]
    type(meetup).objects.update(title="Other")
    seen.append(embed("meetups").stamp())
    assert len(set(seen)) == 4
    before = embed("conference").stamp()
    Conference.objects.create(slug="kf", name="KVM Forum", city="Edinburgh", country="UK", year=2013)
    assert embed("conference").stamp() != before
    with CaptureQueriesContext(connection) as captured:
        embed("meetups").stamp()
        embed("conference").stamp()
    assert len(captured) <= 3
