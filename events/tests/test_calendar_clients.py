"""Calendar programs that people use, as processes, against the real server: vdirsyncer fetches, khal shows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.tests.processes import ROOT
from portal.tests.stack import Stack

pytestmark = pytest.mark.services
_BIN = Path(sys.executable).parent

# Far ahead, so that the window of the feed holds them whenever this runs; khal's pytz knows zones up to 2037.
WORLD = """
import datetime as dt, json
from zoneinfo import ZoneInfo
from events.models import *
from events.services.calendar_tokens import replace_token
from portal.accounts.models import User
kolkata, berlin = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
pune = Chapter.objects.create(slug="pune", city="Pune", status="active", created_at=now)
hall = Venue.objects.create(chapter=pune, name="Hall, 3; east", address="1 Lane")
def make(slug, start, **fields):
    exact = {"date_precision": "exact", "starts_at": start, "ends_at": start + dt.timedelta(hours=2)}
    return Meetup.objects.create(**{"chapter": pune, "slug": slug, "title": slug, "status": "confirmed",
        "created_at": now, "changed_at": now} | exact | fields)
kvm = make("kvm", dt.datetime(2035, 1, 10, 10, tzinfo=kolkata), venue=hall, title="KVM, QEMU; पुणे")
make("summer", dt.datetime(2035, 7, 10, 18, tzinfo=berlin), time_zone="Europe/Berlin")
make("whole-day", dt.datetime(2035, 3, 5, tzinfo=kolkata), status="tentative", date_precision="day", ends_at=None)
owner = User.objects.create_user("owner@example.org", "x", time_zone="Europe/Berlin")
Rsvp.objects.create(meetup=kvm, user=owner, status="waitlisted", created_at=now, changed_at=now)
replace_token(user=owner, at=now)
print(json.dumps(CalendarToken.objects.get().token))
"""

MOVE = """
import datetime as dt
from zoneinfo import ZoneInfo
from django.db import transaction
from django.utils import timezone
from events.models import Meetup
from events.services.locks import lock_meetup
from events.services.meetups import save_meetup
with transaction.atomic():
    meetup = lock_meetup(Meetup.objects.get(slug="kvm").pk)
    {change}
    save_meetup(meetup=meetup, fields=["starts_at", "ends_at", "status"], at=timezone.now())
"""


class Clients:
    """vdirsyncer and khal of one person in Berlin, with everything that they keep in one folder."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.items = folder, folder / "items"
        self.items.mkdir(parents=True)
        (folder / "vdirsyncer.conf").write_text(
            f'[general]\nstatus_path = "{folder}/status"\n'
            '[pair meetups]\na = "here"\nb = "there"\ncollections = null\nconflict_resolution = "b wins"\n'
            f'[storage here]\ntype = "filesystem"\npath = "{self.items}"\nfileext = ".ics"\n'
            f'[storage there]\ntype = "http"\nurl = "{address}"\n'
        )
        (folder / "khal.conf").write_text(
            f"[calendars]\n[[meetups]]\npath = {self.items}\nreadonly = True\n[sqlite]\npath = {folder}/khal.db\n"
            "[locale]\nlocal_timezone = Europe/Berlin\ndefault_timezone = Europe/Berlin\n"
            "timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
            "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
        )
        self.env = os.environ | {"HOME": str(folder), "NO_PROXY": "*", "no_proxy": "*", "LC_ALL": "C.UTF-8"}

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(_BIN / program), "-c", str(self.folder / f"{program}.conf"), *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def discover(self) -> None:
        self._run("vdirsyncer", "discover", "meetups")

    def sync(self) -> dict[str, bytes]:
        """Fetch, and return the files that there are then."""
        self._run("vdirsyncer", "sync")
        return {path.name: path.read_bytes() for path in sorted(self.items.iterdir())}

    def list(self) -> list[str]:
        """What khal shows of the years in question, one line for each entry."""
        form = "{cancelled}{start-date} {start-time} {end-time} {title} @ {location}"
        said = self._run(
            "khal",
            "list",
            "--notstarted",
            "--once",
            "--day-format",
            "",
            "--format",
            form,
            "2035-01-01",
            "365d",
        )
        return [line.rstrip() for line in said.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Server and database, with a few meetups."""
    with Stack(tmp_path_factory.mktemp("stack"), run=("redis", "web")) as running:
        yield running


def test_real_clients_read_the_feeds_and_follow_their_changes(stack: Stack, tmp_path: Path) -> None:
    token = stack.python(WORLD)
    shared = Clients(tmp_path / "shared", f"{stack.url}/chapters/pune/calendar.ics")
    own = Clients(tmp_path / "own", f"{stack.url}/calendar/{token}.ics")
    for clients in (shared, own):
        clients.discover()
    first = shared.sync()
    assert len(first) == 3
    assert shared.list() == [
        "2035-01-10 05:30 07:30 KVM, QEMU; पुणे @ Hall, 3; east, 1 Lane",
        "2035-03-05   whole-day @ Pune",
        "2035-07-10 18:00 20:00 summer @ Pune",
    ]
    own.sync()
    assert own.list() == ["2035-01-10 05:30 07:30 Waitlist: KVM, QEMU; पुणे @ Hall, 3; east, 1 Lane"]

    assert shared.sync() == first

    # Half a year later the clocks of the reader have changed; those of the meetup have not.
    later = "meetup.starts_at, meetup.ends_at = (moment.astimezone(ZoneInfo('Asia/Kolkata')).replace(month=7)"
    later += " for moment in (meetup.starts_at, meetup.ends_at))"
    stack.python(MOVE.format(change=later))
    assert len(shared.sync()) == 3
    assert shared.list() == [
        "2035-03-05   whole-day @ Pune",
        "2035-07-10 06:30 08:30 KVM, QEMU; पुणे @ Hall, 3; east, 1 Lane",
        "2035-07-10 18:00 20:00 summer @ Pune",
    ]
    stack.python(MOVE.format(change="meetup.status = 'cancelled'"))
    assert len(shared.sync()) == 3
    cancelled = "2035-07-10 06:30 08:30 Cancelled: KVM, QEMU; पुणे @ Hall, 3; east, 1 Lane"
    assert f"CANCELLED {cancelled}" in shared.list()
    own.sync()
    assert own.list() == [f"CANCELLED {cancelled}"]


def test_address_that_ended_gives_clients_nothing_more(stack: Stack, tmp_path: Path) -> None:
    gone = Clients(tmp_path / "gone", f"{stack.url}/calendar/no-such-token.ics")
    gone.discover()
    with pytest.raises(AssertionError, match="Not Found"):
        gone.sync()
    assert list(gone.items.iterdir()) == []
