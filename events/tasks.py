"""Work of the meetups room that happens outside a request. A task loads by id and calls one service."""

import logging

from celery import shared_task
from django.utils import timezone

from events.models import Meetup
from events.series_rules import RuleRefused
from events.services import follows, mails, resource_checks, retention, roles, seat_clock, votes
from events.services import series as series_service

log = logging.getLogger(__name__)


@shared_task(name="events.tasks.check_resources")
def check_resources() -> None:
    """Runs every few minutes: ask a few slides and recordings whether they still answer."""
    resource_checks.check_due(at=timezone.now())


@shared_task(name="events.tasks.expire_offers")
def expire_offers() -> None:
    """Beat: end offers that nobody took, and forget e-mail sign-ups that nobody confirmed."""
    seat_clock.expire_offers(at=timezone.now())
    seat_clock.forget_unconfirmed(at=timezone.now())


@shared_task(name="events.tasks.reconfirm_due")
def reconfirm_due() -> None:
    """Beat: ask again who comes, and free the seats of those who did not answer."""
    seat_clock.ask_reconfirmations(at=timezone.now())
    seat_clock.release_unconfirmed(at=timezone.now())


@shared_task(name="events.tasks.tend_chapters")
def tend_chapters() -> None:
    """Runs every hour: follows find their members, roles that end are told of, and what is old is forgotten."""
    now = timezone.now()
    follows.adopt_all_follows()
    roles.tell_of_ends(at=now)
    retention.forget_old(at=now)


@shared_task(name="events.tasks.extend_series")
def extend_series() -> None:
    """Runs every few hours: make the meetups of all series for the next half year."""
    now = timezone.now()
    for series in series_service.running_series(now).select_related("chapter").iterator():
        try:
            series_service.extend_series(series=series, at=now)
        except RuleRefused:
            log.warning("series %s has a rule that cannot be read, nothing is made", series.pk)


@shared_task(name="events.tasks.tell_date_decided")
def tell_date_decided(meetup_pk: int) -> None:
    """Write the mails that tell which date was chosen."""
    meetup = Meetup.objects.select_related("chapter").filter(pk=meetup_pk).first()
    if meetup:
        mails.write_date_decided(meetup=meetup)


@shared_task(name="events.tasks.sweep_ballots")
def sweep_ballots() -> None:
    """Beat: votes find the members whose they are, and those that nobody confirmed are forgotten."""
    votes.adopt_all_ballots()
    votes.forget_unconfirmed_ballots(at=timezone.now())
