"""Whether slides and recordings still answer: asked now and then, politely, and never of our own network."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from events.models import Resource, Session
from events.services.safe_fetch import Answer, Fetcher, FetchFailed, FetchRefused, Network

AGENT_NAME = "OSVI-Portal-Link-Check"
#: Links that one run takes, and seconds after which it starts no further one: other work waits in the same queue.
PER_RUN = 5
RUN_SECONDS = 15.0
#: Seconds between two requests to one host.
SPACING = 2.0
#: Failures in a row after which a link counts as one that does not answer.
FAILURES = 3
GOOD_FOR = dt.timedelta(days=7)
FIRST_RETRY = dt.timedelta(hours=6)
LONGEST_WAIT = dt.timedelta(days=28)
CLAIMED_FOR = dt.timedelta(hours=1)
MAX_ROBOTS = 64 * 1024
# The host answers, and does not let programs see more: no sign that the link is dead.
_KEPT_FROM_US = (401, 403, 407, 429, 451)


@dataclass(frozen=True)
class Finding:
    """What one check found. ``is_there`` is None where it cannot be told."""

    is_there: bool | None
    words: str


@dataclass
class LinkChecker:
    """Asks links for one run: one request after the other, with a rest between two to the same host."""

    network: Network = field(default_factory=Network)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _asked: dict[str, float] = field(default_factory=dict)
    _robots: dict[str, RobotFileParser | Finding] = field(default_factory=dict)

    def __post_init__(self) -> None:
        about = f"{AGENT_NAME}/1 (+{settings.SITE_URL}{reverse('about')})"
        self._fetcher = Fetcher(agent=about, network=self.network, before=self._rest, clock=self.clock)

    def look(self, url: str) -> Finding:
        """Ask ``url``: HEAD first, and where that is not answered well one byte by GET."""
        try:
            if barred := self._barred(url):
                return barred
            answer = self._fetcher.fetch(url)
            if answer.status >= 400 and answer.status not in _KEPT_FROM_US:
                answer = self._fetcher.fetch(url, method="GET", first_byte=True)
        except FetchRefused as refusal:
            return Finding(False, str(refusal))
        except FetchFailed as failure:
            return Finding(False, str(failure))
        return _judge(answer)

    def _barred(self, url: str) -> Finding | None:
        """A finding where the site's robots.txt (RFC 9309) asks us to stay away, or cannot be had."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._robots:
            self._robots[site] = self._rules(site)
        rules = self._robots[site]
        if isinstance(rules, Finding):
            return rules
        if not rules.can_fetch(AGENT_NAME, url):
            return Finding(None, "The site asks programs to stay away.")
        return None

    def _rules(self, site: str) -> RobotFileParser | Finding:
        answer = self._fetcher.fetch(f"{site}/robots.txt", method="GET", max_body=MAX_ROBOTS)
        if answer.status >= 500:
            return Finding(False, f"HTTP {answer.status} for its robots.txt.")
        rules = RobotFileParser()
        rules.parse(answer.body.decode("utf-8", "replace").splitlines() if answer.status == 200 else [])
        return rules

    def _rest(self, host: str) -> None:
        now = self.clock()
        wait = self._asked.get(host, now - SPACING) + SPACING - now
        if wait > 0:
            self.sleep(wait)
        self._asked[host] = self.clock()


def _judge(answer: Answer) -> Finding:
    words = f"HTTP {answer.status}"
    if answer.status in _KEPT_FROM_US:
        return Finding(None, f"{words}: it does not show itself to programs.")
    # 416: it is there, and empty, or knows no ranges.
    return Finding(answer.status < 400 or answer.status == 416, words)


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
        wait = min(FIRST_RETRY * 2 ** min(failures - 1, 10), LONGEST_WAIT)
        is_dead = failures >= FAILURES
        fields |= {
            "failures": failures,
            "failing_since": resource.failing_since or at,
            "alive": Resource.Alive.NO if is_dead else resource.alive,
            "next_check_at": at + wait,
        }
    else:
        alive = Resource.Alive.YES if finding.is_there else Resource.Alive.UNKNOWN
        fields |= {"failures": 0, "failing_since": None, "alive": alive, "next_check_at": at + GOOD_FOR}
    Resource.objects.filter(pk=resource.pk, url=resource.url).update(**fields)
