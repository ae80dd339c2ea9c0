"""Whether pages stay as quick with 100,000 members, 10,000 meetups and 1,000,000 sign-ups as with a hundredth."""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from bench import Figure

ROUNDS = 15
PAGES = {
    "home": "/",
    "list of meetups": "/meetups/",
    "list of past meetups": "/meetups/?when=past",
    "list of past meetups, narrowed": "/meetups/?when=past&chapter=city-3&attendance=in_person",
    "chapters": "/chapters/",
    "a chapter": "/chapters/city-3/",
    "a meetup to come, as a stranger": "/meetups/{coming}/",
    "a meetup to come, as a member": "*/meetups/{coming}/",
    "Atom feed": "/meetups/feed.atom",
    "a member's own page": "*/me/",
}


class _World:
    """One child process with a database of its own."""

    def __init__(self, folder: Path, part: int) -> None:
        folder.mkdir()
        self.coming = f"meetup-{10_000 // part * 9 // 10}"
        env = {
            "PORTAL_MODE": "embedded",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
            "LOG_LEVEL": "ERROR",
        }
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bench._meetup_world", str(part)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | env,
        )

    def wait(self) -> None:
        """Until it is filled."""
        assert self._read() == "ready"

    def seconds(self, address: str) -> float:
        """How long one page takes."""
        assert self._child.stdin
        self._child.stdin.write(address.format(coming=self.coming) + "\n")
        self._child.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait(60)


def bench() -> list[Figure]:
    """For each page the median time in the whole world over that in a hundredth of it, asked in turns."""
    with tempfile.TemporaryDirectory(prefix="bench-meetups-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        with _World(folder / "whole", 1) as whole, _World(folder / "hundredth", 100) as hundredth:
            hundredth.wait()
            whole.wait()
            return [_figure(page, address, whole, hundredth) for page, address in PAGES.items()]


def _figure(page: str, address: str, whole: _World, hundredth: _World) -> Figure:
    much, little = [], []
    for number in range(ROUNDS + 2):
        pair = whole.seconds(address), hundredth.seconds(address)
        if number >= 2:  # templates and statements are compiled by now
            much.append(pair[0])
            little.append(pair[1])
    ratio = statistics.median(much) / statistics.median(little)
    milliseconds = statistics.median(much) * 1000
    return Figure(
        f"{page} ({milliseconds:.0f} ms), whole world beside a hundredth", ratio, "times", at_most=1.3
    )
