"""Several workers at one host at once, in a process with threads and connections of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from portal.tests.processes import ROOT
from portal.tests.stack import migrated_database


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_asks_one_queues_and_one_takes_back(tmp_path: Path) -> None:
    if connection.vendor == "sqlite":
        shutil.copy(migrated_database(), tmp_path / "portal.sqlite3")
        url = f"sqlite:///{tmp_path}/portal.sqlite3"
    else:
        # Committed rows of the test database, which the program opens by itself.
        url = os.environ["TEST_DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"
    env = os.environ | {
        "DATABASE_URL": url,
        "VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    argv = [sys.executable, "-m", "labtools.tests.race_of_probes"]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "claims": [[1], ["idle", 0, 1]],
        "requests": [1, 1],
        "sweeps": ["idle", 1, 0],
        "equals": [0, 1],
        "sweep_while_a_probe_is_recorded": 0,
        "probe_while_the_sweep_goes_on": 0,
    }, done.stderr
