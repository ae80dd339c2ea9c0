"""Slides and recordings are asked now and then; three failures in a row make a dead link."""

import datetime as dt

import pytest

from events.models import Resource
from events.services.resource_checks import PER_RUN, check_due, note_finding
from events.tests.factories import NOW, make_chapter
from events.tests.talk_factories import make_conference, make_conference_session, make_session, make_talk
from portal.links.checking import FAILURES, FIRST_RETRY, GOOD_FOR, LONGEST_WAIT, Finding
from portal.links.tests.small_network import PUBLIC, checker, pages


def shown_link(url: str = "http://a.example/v", **fields: object) -> Resource:
    """A link of a talk that everybody may read."""
    talk = make_talk()
    make_conference_session(make_conference(), talk=talk)
    return Resource.objects.create(talk=talk, kind="video", url=url, **fields)


@pytest.mark.django_db
def test_three_failures_in_a_row_make_a_dead_link_since_the_first() -> None:
    resource, at = shown_link(), NOW
    waits = []
    for number in range(1, 12):
        resource.refresh_from_db()
        note_finding(resource=resource, finding=Finding(False, "HTTP 404"), at=at)
        resource.refresh_from_db()
        assert (resource.alive == "no") is (number >= FAILURES)
        assert (resource.failures, resource.failing_since) == (number, NOW)
        assert resource.next_check_at
        waits.append(resource.next_check_at - at)
        at = resource.next_check_at
    assert waits[:4] == [FIRST_RETRY, 2 * FIRST_RETRY, 4 * FIRST_RETRY, 8 * FIRST_RETRY]
    assert waits[-1] == LONGEST_WAIT
    note_finding(resource=resource, finding=Finding(True, "HTTP 200"), at=at)
    resource.refresh_from_db()
    assert (resource.alive, resource.failures, resource.failing_since) == ("yes", 0, None)
    assert resource.next_check_at == at + GOOD_FOR


@pytest.mark.django_db
def test_a_good_answer_between_failures_starts_the_count_anew() -> None:
    resource = shown_link()
    for is_there in (False, False, True, False, False):
        resource.refresh_from_db()
        note_finding(resource=resource, finding=Finding(is_there, "…"), at=NOW)
    resource.refresh_from_db()
    assert (resource.alive, resource.failures) == ("yes", 2)


@pytest.mark.django_db
def test_what_is_kept_from_programs_is_no_failure() -> None:
    resource = shown_link(failures=2, failing_since=NOW)
    note_finding(resource=resource, finding=Finding(None, "HTTP 403"), at=NOW)
    resource.refresh_from_db()
    assert (resource.alive, resource.failures, resource.failing_since) == ("unknown", 0, None)


@pytest.mark.django_db
def test_finding_about_an_address_that_was_changed_meanwhile_is_dropped() -> None:
    resource = shown_link()
    Resource.objects.update(url="http://b.example/v")
    note_finding(resource=resource, finding=Finding(False, "HTTP 404"), at=NOW)
    resource.refresh_from_db()
    assert (resource.failures, resource.checked_at) == (0, None)


@pytest.mark.django_db
def test_run_takes_a_few_that_are_due_of_talks_that_are_shown() -> None:
    hidden = make_session(make_chapter()).talk
    Resource.objects.create(talk=hidden, kind="video", url="http://a.example/hidden")
    shown_link("")
    later = shown_link(next_check_at=NOW + dt.timedelta(minutes=1))
    due = [shown_link(f"http://a.example/{number}") for number in range(PER_RUN + 1)]
    with pages({}, {"a.example": [[PUBLIC]]}) as (network, requests):
        look, _clock = checker(network)
        look.sleep = lambda seconds: None
        assert check_due(at=NOW, checker=look) == PER_RUN
        assert check_due(at=NOW, checker=look) == 1
        assert check_due(at=NOW, checker=look) == 0
    assert not any("hidden" in request for request in requests)
    assert {resource.pk for resource in Resource.objects.filter(checked_at=NOW)} == {one.pk for one in due}
    later.refresh_from_db()
    assert later.checked_at is None


@pytest.mark.django_db
def test_run_starts_nothing_more_when_its_time_is_over() -> None:
    for number in range(PER_RUN):
        shown_link(f"http://a.example/{number}")
    with pages({}, {"a.example": [[PUBLIC]]}) as (network, _):
        look, clock = checker(network)
        look.sleep = lambda seconds: setattr(clock, "now", clock.now + 9)
        assert check_due(at=NOW, checker=look) < PER_RUN


@pytest.mark.django_db
def test_link_into_our_own_network_is_written_down_as_not_public() -> None:
    resource = shown_link("http://169.254.169.254/latest/meta-data/")
    assert check_due(at=NOW) == 1
    resource.refresh_from_db()
    assert (resource.failures, resource.check_result) == (1, "This is not a public address.")


def test_beat_asks_now_and_then() -> None:
    from django.conf import settings

    from portal.celery import app

    entry = settings.CELERY_BEAT_SCHEDULE["check-resources"]
    app.loader.import_default_modules()
    assert entry["task"] in app.tasks
