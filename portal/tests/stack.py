"""The whole portal as real processes: the same commands as ``bin/run``, in a folder of its own."""

import atexit
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import closing
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from portal.tests.processes import ROOT, RedisServer, Service, free_port

_BIN = Path(sys.executable).parent


@cache
def migrated_database() -> Path:
    """An SQLite database of the present models without a row of ours, made once for all stacks of a process."""
    folder = Path(tempfile.mkdtemp(prefix="migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = {
        "PORTAL_MODE": "embedded",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "VAR_DIR": str(folder),
    }
    settings["DATABASE_URL"] = f"sqlite:///{folder}/portal.sqlite3"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "-v0"],
        cwd=ROOT,
        env=os.environ | settings,
        check=True,
    )
    return folder / "portal.sqlite3"


class Stack:
    """Redis, web server, one worker per queue and beat on a file database; each can be stopped and started alone.

    ``env`` overrides settings. Start only what the test needs: ``Stack(folder, run=("web",))``.
    """

    ALL = ("redis", "web", "mail", "images", "labs", "beat")

    def __init__(self, folder: Path, run: tuple[str, ...] = ALL, env: dict[str, str] | None = None) -> None:
        self.folder, self.run = folder, run
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        settings = {
            "PORTAL_MODE": "embedded",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "VAR_DIR": str(folder),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
            "REDIS_URL": f"unix://{folder}/redis.sock",
            "SITE_URL": self.url,
            "BEAT_SECONDS": "1",
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
        }
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("UPLOAD_DIR", "EMAIL_URL")
        }
        self.env = inherited | settings | (env or {})
        self.services: dict[str, Service] = {"redis": RedisServer(folder)}
        commands = {"web": "gunicorn -c python:portal.gunicorn_conf", "beat": "celery -q -A portal beat"}
        for queue in ("mail", "images", "labs"):
            commands[queue] = (
                f"celery -q -A portal worker -Q {queue} -n {queue}@{self.port} -c 1 --without-mingle --without-gossip"
            )
        for name, command in commands.items():
            program, *arguments = command.split()
            self.services[name] = Service(name, [str(_BIN / program), *arguments], folder, self.env)

    def manage(self, *arguments: str, stdin: str | None = None) -> str:
        """Run ``manage.py`` in the stack's environment; returns what it printed. Fails the test if it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            input=stdin,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, code: str) -> Any:
        """Run ``code`` with Django set up in the stack's environment; returns what it printed, read as JSON."""
        prelude = "import django; django.setup()\n"
        done = subprocess.run(
            [sys.executable, "-c", prelude + code], cwd=ROOT, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def sql(self, statement: str) -> list[Any]:
        """Rows of one statement, past Django: a process that loads it would take seconds."""
        with closing(sqlite3.connect(self.folder / "portal.sqlite3", timeout=20)) as database, database:
            return database.execute(statement).fetchall()

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a plain GET as a stranger."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def _answers(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def is_ready(self) -> bool:
        """Whether ``/readyz`` says that everything is up."""
        return self.get("/readyz")[0] == 200

    def start(self, name: str) -> None:
        """Start one service; the web server is waited for."""
        self.services[name].start()
        if name == "web":
            self.services[name].wait_until(self._answers, 60)

    def stop(self, name: str, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop one service, with SIGKILL if the test is about that."""
        self.services[name].stop(sign)

    def logs(self) -> str:
        """The last lines of every service, for a failing test's message."""
        logs = [(name, service.log) for name, service in self.services.items() if service.log.exists()]
        return "\n".join(f"--- {name}\n{log.read_text(errors='replace')[-3000:]}" for name, log in logs)

    def __enter__(self) -> Self:
        try:
            shutil.copy(migrated_database(), self.folder / "portal.sqlite3")
            for name in self.run:
                self.start(name)
        except BaseException:
            self._end()
            raise
        return self

    def _end(self) -> None:
        for name in reversed(self.ALL):
            self.services[name].stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
