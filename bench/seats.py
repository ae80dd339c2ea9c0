"""Sign-ups per second beside bare transactions that update one row, on the same database.

A sign-up takes the meetup's lock, counts the seats, writes the row and its mail; the ratio says what that costs.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import Figure
from portal.tests.postgresql import PostgresServer
from portal.tests.processes import ROOT, RedisServer


def bench() -> list[Figure]:
    """One ratio for each database."""
    figures = []
    for name in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-seats-")))
            url = f"sqlite:///{folder}/portal.sqlite3"
            if name == "PostgreSQL":
                url = stack.enter_context(PostgresServer()).url
            stack.enter_context(RedisServer(folder))
            ratio = _ratio(folder, url)
            # A floor that a counter gone quadratic, or a query for each row, would fall through.
            figures.append(
                Figure(f"sign-ups beside bare updates, {name}", ratio, "of their number", at_least=0.005)
            )
    return figures


def _ratio(folder: Path, url: str) -> float:
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_MODE": "embedded",
        "VAR_DIR": str(folder),
        "DATABASE_URL": url,
        "REDIS_URL": f"unix://{folder}/redis.sock",
        "LOG_LEVEL": "WARNING",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--no-input", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True)
    measure = [sys.executable, "-m", "bench._seats"]
    done = subprocess.run(measure, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    return float(done.stdout)
