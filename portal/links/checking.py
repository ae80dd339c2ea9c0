"""Whether a link still answers: HEAD, then one byte; robots.txt heeded; a rest between requests to one host."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from django.conf import settings
from django.urls import reverse

from portal.links.fetching import Answer, Fetcher, FetchFailed, FetchRefused, Network

AGENT_NAME = "OSVI-Portal-Link-Check"
#: Seconds between two requests to one host.
SPACING = 2.0
#: Failures in a row after which a link counts as one that does not answer.
FAILURES = 3
GOOD_FOR = dt.timedelta(days=7)
FIRST_RETRY = dt.timedelta(hours=6)
LONGEST_WAIT = dt.timedelta(days=28)
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


def wait_after(failures: int) -> dt.timedelta:
    """How long a link rests after so many failures in a row: each doubles it; a week where there is none."""
    return min(FIRST_RETRY * 2 ** min(failures - 1, 10), LONGEST_WAIT) if failures else GOOD_FOR
