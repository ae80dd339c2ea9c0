"""Settings come from the environment and refuse nonsense at the start, in a process of their own each time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from portal.tests.processes import ROOT

PRODUCTION = {
    "PORTAL_MODE": "production",
    "SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "SITE_URL": "https://portal.example",
    "ALLOWED_HOSTS": "portal.example",
    "EMAIL_URL": "smtp://127.0.0.1:25",
    "DEFAULT_FROM_EMAIL": "portal@portal.example",
}


def _manage(tmp_path: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean | env, capture_output=True, text=True)


def test_embedded_default_needs_nothing_and_keeps_its_secret_key(tmp_path: Path) -> None:
    script = "from django.conf import settings; print(settings.SECRET_KEY)"
    first = _manage(tmp_path, {}, "shell", "-v0", "-c", script)
    second = _manage(tmp_path, {}, "shell", "-v0", "-c", script)
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.strip()) >= 50
    assert first.stdout == second.stdout
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_every_variable_is_in_the_operations_manual() -> None:
    read = re.findall(
        r'(?:env\.\w+|_required_in_production)\(\s*"([A-Z_]+)"', (ROOT / "portal/settings.py").read_text()
    )
    manual = (ROOT / "docs/operations.md").read_text()
    assert len(read) > 30
    assert [name for name in read if f"`{name}" not in manual] == []


def test_production_passes_the_deployment_check_without_a_warning(tmp_path: Path) -> None:
    done = _manage(tmp_path, PRODUCTION, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"PORTAL_MODE"}))
def test_production_does_not_start_without(tmp_path: Path, name: str) -> None:
    env = {key: value for key, value in PRODUCTION.items() if key != name}
    done = _manage(tmp_path, env, "check")
    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_MODE", "prod"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("REDIS_URL", "localhost:6379"),
        ("SITE_URL", "portal.example"),
        ("SECURITY_CONTACT", "security@portal.example"),
        ("ALLOWED_HOSTS", "*"),
        ("GITHUB_CLIENT_ID", "half a pair"),
        ("OIDC_SERVER_URL", "https://id.example"),
        ("UPLOAD_MAX_BYTES", "-1"),
        ("SECRET_KEY", "short"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_nonsense_stops_the_start_and_is_named(tmp_path: Path, name: str, value: str) -> None:
    done = _manage(tmp_path, {name: value}, "check")
    assert done.returncode != 0
    assert name in "\n".join(done.stderr.splitlines()[-3:])


@pytest.mark.parametrize(
    "env", [{"DEBUG": "true"}, {"EMAIL_URL": "mailbox://"}, {"SITE_URL": "http://portal.example"}]
)
def test_production_refuses_what_only_a_laptop_may(tmp_path: Path, env: dict[str, str]) -> None:
    assert _manage(tmp_path, PRODUCTION | env, "check").returncode != 0


def test_the_suite_runs_on_the_database_that_it_was_told(db: None) -> None:
    told = os.environ.get("TEST_DATABASE_URL", "sqlite:")
    assert connection.vendor == ("postgresql" if told.startswith("postgres") else "sqlite")
    assert "portal-test-" in str(settings.VAR_DIR), "and never in the checkout's own folder"


def test_sqlite_is_tuned(db: None) -> None:

    if connection.vendor != "sqlite":
        assert connection.settings_dict["CONN_MAX_AGE"] == 60
        return
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    with connection.cursor() as cursor:
        values = {}
        for pragma in ("synchronous", "foreign_keys", "busy_timeout"):
            cursor.execute(f"PRAGMA {pragma}")
            values[pragma] = cursor.fetchone()[0]
    assert values == {"synchronous": 1, "foreign_keys": 1, "busy_timeout": 20000}


def test_forms_may_lead_to_the_providers_whose_keys_are_set_and_to_nobody_else(tmp_path: Path) -> None:
    script = "from django.conf import settings as s; print(*s.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"
    keys = {
        "GITHUB_CLIENT_ID": "id",
        "GITHUB_CLIENT_SECRET": "secret",
        "OIDC_CLIENT_ID": "id",
        "OIDC_CLIENT_SECRET": "secret",
        "OIDC_SERVER_URL": "https://id.example:8443/realms/india",
    }
    assert _manage(tmp_path, {}, "shell", "-v0", "-c", script).stdout == "'self'\n"
    done = _manage(tmp_path, keys, "shell", "-v0", "-c", script)
    assert done.stdout == "'self' https://github.com https://id.example:8443\n", done.stderr
