"""One search over 100,000 documents, on SQLite and on PostgreSQL. The issue that asked for it wants milliseconds."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import Figure
from portal.tests.postgresql import PostgresServer

DOCUMENTS = int(os.environ.get("SEARCH_DOCUMENTS", "100000"))


def bench() -> list[Figure]:
    """The 95th percentile of a search and of an update, on each database."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        figures += _figures("SQLite", folder, f"sqlite:///{folder}/portal.sqlite3")
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as server:
        figures += _figures("PostgreSQL", folder, server.url)
    return figures


def _figures(name: str, folder: str, database: str) -> list[Figure]:
    env = {
        "PORTAL_MODE": "embedded",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "VAR_DIR": str(Path(folder) / "var"),
        "DATABASE_URL": database,
        "LOG_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench._search_world", str(DOCUMENTS)],
        env=os.environ | env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    high, median, update, worst, *query = done.stdout.split()
    print(f"  ({name}: the slowest query was {' '.join(query)}, {float(worst) * 1000:.1f} ms)")
    return [
        Figure(
            f"{name}, {DOCUMENTS} documents: search, 95th percentile", float(high) * 1000, "ms", at_most=30
        ),
        Figure(f"{name}: search, median", float(median) * 1000, "ms"),
        Figure(f"{name}: update of one document, 95th percentile", float(update) * 1000, "ms", at_most=50),
    ]
