"""Whether slides and recordings still answer: asked now and then, politely, and never of our own network."""

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet

from events.models import Resource, Session
from portal.links.checking import FAILURES, Finding, LinkChecker, wait_after

#: Links that one run takes, and seconds after which it starts no further one: other work waits in the same queue.
PER_RUN = 5
RUN_SECONDS = 15.0
CLAIMED_FOR = dt.timedelta(hours=1)


def check_due(*, at: dt.datetime, checker: LinkChecker | None = None) -> int:
    """Check some of the links whose turn it is, of talks that everybody may read. Returns how many.

    Each is claimed first, so that two runs at once do not ask the same twice.
    """
    checker = checker or LinkChecker()
    start = checker.clock()
    due = _due(at).order_by("next_check_at", "pk")
    checked = 0
    for resource in due[:PER_RUN]:
        if checker.clock() - start > RUN_SECONDS:
            break
        if _due(at).filter(pk=resource.pk).update(next_check_at=at + CLAIMED_FOR):
            note_finding(resource=resource, finding=checker.look(resource.url), at=at)
            checked += 1
    return checked


def _due(at: dt.datetime) -> QuerySet[Resource]:
    shown = Session.objects.accepted().values("talk")
    turn = Q(next_check_at__isnull=True) | Q(next_check_at__lte=at)
    return Resource.objects.filter(turn, talk__in=shown).exclude(url="")


def note_finding(*, resource: Resource, finding: Finding, at: dt.datetime) -> None:
    """Write down what was found, unless the address was changed in the meantime.

    After :data:`FAILURES` failures in a row the link does not answer "since" the first of them; each one doubles
    the time to the next check.
    """
    fields: dict[str, Any] = {"checked_at": at, "check_result": finding.words[:200]}
    if finding.is_there is False:
        failures = resource.failures + 1
        is_dead = failures >= FAILURES
        fields |= {
            "failures": failures,
            "failing_since": resource.failing_since or at,
            "alive": Resource.Alive.NO if is_dead else resource.alive,
            "next_check_at": at + wait_after(failures),
        }
    else:
        alive = Resource.Alive.YES if finding.is_there else Resource.Alive.UNKNOWN
        fields |= {"failures": 0, "failing_since": None, "alive": alive, "next_check_at": at + wait_after(0)}
    Resource.objects.filter(pk=resource.pk, url=resource.url).update(**fields)
