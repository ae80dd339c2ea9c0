"""Reviews at the same moment, on the database that the tests run on."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from portal.tests.processes import ROOT
from portal.tests.stack import migrated_database

pytestmark = pytest.mark.django_db(transaction=True)
ONE_OF_TWO = {"ended": ["done", "refused"], "fits": True}
BOTH = {"ended": ["done", "done"], "fits": True}
WHOLE = {
    "approved_twice": [ONE_OF_TWO] * 3,
    "judged_both_ways": [ONE_OF_TWO] * 3,
    "two_texts": [ONE_OF_TWO] * 3,
    "sent_while_approved": [BOTH] * 3,
    "changed_in_two_tabs": [ONE_OF_TWO] * 3,
    "changed_while_let_in": [BOTH] * 3,
    "picture_named_while_removed": [BOTH] * 3,
}


def _race(folder: Path, *more: str) -> dict[str, Any]:
    """What the rounds of ``race_of_reviews`` left, each in a process with threads of its own."""
    if connection.vendor == "sqlite":
        shutil.copy(migrated_database(), folder / "portal.sqlite3")
        url = f"sqlite:///{folder}/portal.sqlite3"
    else:
        url = os.environ["TEST_DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"
    env = os.environ | {
        "DATABASE_URL": url,
        "VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    argv = [sys.executable, "-m", "kb.tests.race_of_reviews", *more]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_each_text_is_judged_once_and_none_is_lost(tmp_path: Path) -> None:
    assert _race(tmp_path) == WHOLE


def test_race_of_reviews_finds_what_the_lock_prevents(tmp_path: Path) -> None:
    """The positive control. SQLite has one writer from the start of a transaction, so there it holds even so."""
    left = _race(tmp_path, "--without-lock")
    assert (left == WHOLE) == (connection.vendor == "sqlite"), left
