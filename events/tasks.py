"""Work of the meetups room that happens outside a request. A task loads by id and calls one service."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from events.series_rules import RuleRefused
from events.services import (
    follows,
    mail_clock,
    mail_rounds,
    resource_checks,
    retention,
    roles,
    seat_clock,
    votes,
)
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


@shared_task(name="events.tasks.sweep_ballots")
def sweep_ballots() -> None:
    """Beat: votes find the members whose they are, and those that nobody confirmed are forgotten."""
    votes.adopt_all_ballots()
    votes.forget_unconfirmed_ballots(at=timezone.now())


@shared_task(name="events.tasks.send_round")
def send_round(round_pk: int) -> None:
    """The next piece of a round of mails; it asks for the one after it by itself."""
    mail_rounds.send_piece(round_pk, at=timezone.now())


@shared_task(name="events.tasks.sweep_rounds")
def sweep_rounds() -> None:
    """Beat: hand out the rounds of mails that are due, those too whose message to a worker was lost."""
    for round_pk in mail_rounds.due_rounds(at=timezone.now()):
        try:
            send_round.apply_async(args=(round_pk,), expires=300)
        except OperationalError as error:
            log.warning("broker out of reach, mails to many wait for the next round: %s", error)
            return


@shared_task(name="events.tasks.send_by_the_clock")
def send_by_the_clock() -> None:
    """Beat: begin the reminders and the weekly summaries whose time has come."""
    mail_clock.remind(at=timezone.now())
    mail_clock.summarise_week(at=timezone.now())
