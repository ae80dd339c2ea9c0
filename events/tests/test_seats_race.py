"""500 simultaneous requests for 50 seats, through several server processes, on SQLite and on PostgreSQL.

People join, some of them twice at once, others leave, an organizer finds more chairs. With the lock taken out
the same requests must not end well, or the test would prove nothing.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from portal.tests.postgresql import PostgresServer
from portal.tests.processes import ROOT, RedisServer, Service, free_port, wait_for

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("race")]
T = TypeVar("T")
CSRF = "c" * 32
SEATS, LEAVING, JOINING, TWICE = 50, 20, 450, 30


class House:
    """One database with a broker, for servers of the test's own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder, self.port = folder, free_port()
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_MODE": "embedded",
            "VAR_DIR": str(folder),
            "PORT": str(self.port),
            "DATABASE_URL": database_url,
            "REDIS_URL": f"unix://{folder / 'redis.sock'}",
            "LOG_LEVEL": "WARNING",
        }

    def run(self, *argv: str) -> Any:
        """Run a Python process of the portal to its end; what it printed, read as JSON."""
        done = subprocess.run(
            [sys.executable, *argv], cwd=ROOT, env=self.env, check=True, stdout=subprocess.PIPE
        )
        return json.loads(done.stdout) if done.stdout.strip() else None

    def server(self, lock: str) -> Service:
        """Four processes with four threads each."""
        gunicorn = str(Path(sys.executable).parent / "gunicorn")
        argv = [
            gunicorn,
            "-c",
            "python:portal.gunicorn_conf",
            "--preload",
            "--workers",
            "4",
            "--threads",
            "4",
        ]
        argv.append("events.tests.race_wsgi:application")
        return Service(f"web-{lock}", argv, self.folder, self.env | {"RACE_LOCK": lock})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A migrated database of each kind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="race-")))
        url = f"sqlite:///{folder}/portal.sqlite3"
        if request.param == "postgresql":
            url = stack.enter_context(PostgresServer()).url
        stack.enter_context(RedisServer(folder))
        house = House(folder, url)
        house.run("manage.py", "migrate", "--no-input", "-v0")
        yield house


async def _post(port: int, path: str, session: str) -> int:
    """The status of one POST on a connection of its own."""
    body = f"csrfmiddlewaretoken={CSRF}&wanted=going"
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: localhost:{port}",
        "Connection: close",
        f"Cookie: session_{port}={session}; csrf_{port}={CSRF}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*head, "", body]).encode())
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


async def _all_at_once(port: int, slug: str, people: dict[str, list[str]]) -> list[int]:
    join, leave = f"/meetups/{slug}/rsvp/", f"/meetups/{slug}/rsvp/leave/"
    joining = [_post(port, join, key) for key in people["joining"] + people["joining"][:TWICE]]
    leaving = [_post(port, leave, key) for key in people["leaving"]]
    mixed = [leaving.pop() if number % 20 == 19 and leaving else one for number, one in enumerate(joining)]
    left_out = [one for number, one in enumerate(joining) if one not in mixed]
    return list(await asyncio.gather(*mixed, *left_out, *leaving))


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: playwright's loop may be running in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result()


def race(house: House, lock: str) -> list[str]:
    """What is wrong after the race; nothing, if all is well."""
    slug = f"race-{lock}"
    people = house.run("-m", "events.tests.race_driver", "make", slug)
    for name in ("go", "raiser.ready"):
        (house.folder / name).unlink(missing_ok=True)
    argv = [sys.executable, "-m", "events.tests.race_driver", "raise", slug, str(house.folder)]
    with house.server(lock) as server, Service("raiser", argv, house.folder, house.env) as raiser:
        wait_for((house.folder / "raiser.ready").exists)
        server.wait_until(lambda: _answers(house.port), 60)
        (house.folder / "go").touch()
        statuses = _run(_all_at_once(house.port, slug, people))
        wait_for(lambda: raiser.process is None or raiser.process.poll() is not None)
    return _wrongs(statuses, house.run("-m", "events.tests.race_driver", "rows", slug))


def _answers(port: int) -> bool:
    try:
        return _run(_post(port, "/healthz", "")) > 0
    except OSError:
        return False


def _wrongs(statuses: list[int], after: dict[str, Any]) -> list[str]:
    wrong = [f"an answer {status}" for status in statuses if status != 302]
    counts = Counter(status for _, status in after["rows"])
    expected = {"going": SEATS, "waitlisted": JOINING - SEATS, "declined": LEAVING}
    if counts != expected or after["capacity"] != SEATS or len(statuses) != LEAVING + JOINING + TWICE:
        wrong.append(f"{counts} for {after['capacity']} seats after {len(statuses)} answers, not {expected}")
    if len({user for user, _ in after["rows"]}) != LEAVING + JOINING:
        wrong.append("not everybody has a row of their own")
    wrong += _replayed(after["happened"], {user for user, status in after["rows"] if status == "waitlisted"})
    acts = Counter(user for act, user in after["happened"] if act != "raised")
    if (
        Counter(user for user, _ in after["mails"]) != acts
        or len(set(map(tuple, after["mails"]))) != acts.total()
    ):
        wrong.append("not one mail for each event")
    return wrong


def _replayed(happened: list[tuple[str, int]], waiting_at_last: set[int]) -> list[str]:
    """What was given out of turn or beyond the seats there were, going through what happened step by step."""
    wrong, capacity, taken, moved = [], 30, LEAVING, 0
    queue: list[int] = []
    for act, user in happened:
        if act == "raised":
            capacity += 2
        elif act == "left":
            taken -= 1
        elif act == "waitlisted":
            if taken < capacity:
                wrong.append(f"{user} waits beside a free seat")
            queue.append(user)
        else:
            taken += 1
            if act == "promoted":
                moved += 1
                if queue[:1] != [user]:
                    wrong.append(f"{user} was promoted out of turn")
                queue = [one for one in queue if one != user]
        if act in ("going", "promoted") and taken > capacity:
            wrong.append(f"{user} got seat {taken} of {capacity}")
    if set(queue) != waiting_at_last:
        wrong.append("not everybody who waits is in the queue")
    return wrong if moved else [*wrong, "nobody was promoted, so nothing was tried"]


def test_500_requests_at_once_for_50_seats_end_in_exactly_the_right_rows(house: House) -> None:
    assert race(house, "on") == []


def test_without_the_lock_they_do_not(house: House) -> None:
    assert race(house, "off") != []
