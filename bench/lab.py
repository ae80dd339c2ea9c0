"""What a thousand snapshots of a hundred hosts cost: bytes for each further one, and how quick search and pages are."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import Figure
from portal.tests.postgresql import PostgresServer

#: Bytes of the database for a further snapshot: an emulator, a changed list or two, and their rows.
MAX_BYTES = 60_000
MAX_SEARCH_MS = 30.0


def bench() -> list[Figure]:
    """Both databases, each filled by a child process of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-lab-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        figures = _world("SQLite", folder / "sqlite", f"sqlite:///{folder}/sqlite/portal.sqlite3")
        with PostgresServer() as server:
            return figures + _world("PostgreSQL", folder / "postgresql", server.url)


def _world(database: str, folder: Path, url: str) -> list[Figure]:
    folder.mkdir()
    env = {
        "PORTAL_MODE": "embedded",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "VAR_DIR": str(folder),
        "DATABASE_URL": url,
        "LOG_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench._lab_world"],
        env=os.environ | env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures = []
    for line in done.stdout.splitlines():
        kind, name, value = line.split("\t")
        promise = {"search": MAX_SEARCH_MS, "bytes": float(MAX_BYTES)}.get(kind)
        unit = "bytes" if kind == "bytes" else "ms"
        figures.append(Figure(f"{database}: {name}", float(value), unit, at_most=promise))
    return figures
