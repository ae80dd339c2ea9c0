"""The outbox against a real SMTP server, a real worker and a real broker, all processes of their own.

Runs on SQLite, and on PostgreSQL when ``TEST_DATABASE_URL`` names a server.
"""

import email
import email.policy
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from portal.tests.processes import ROOT, RedisServer, Service, free_port, wait_for


class SmtpServer(Service):
    """The SMTP server of ``smtp_server.py`` on a loopback port; a slow one takes ``seconds`` for each mail."""

    def __init__(self, port: int, folder: Path, seconds: float = 0) -> None:
        self.port, self.folder = port, folder
        program = str(Path(__file__).with_name("smtp_server.py"))
        super().__init__("smtp", [sys.executable, program, str(port), str(folder), str(seconds)], folder)

    def start(self) -> None:
        super().start()
        self.wait_until(self.answers, 20)

    def answers(self) -> bool:
        """Whether it listens yet."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def mails(self) -> list[EmailMessage]:
        """What it accepted so far."""
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in self.folder.glob("*.eml")
        ]


class House:
    """A database, a broker and the environment that a web process or a worker of the test runs in."""

    def __init__(self, folder: Path, database_url: str, smtp_port: int) -> None:
        self.folder, self.database_url = folder, database_url
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_MODE": "embedded",
            "VAR_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": f"unix://{folder / 'redis.sock'}",
            "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
            "MAIL_RETRY_SECONDS": "0.3",
            "MAIL_DUE_SECONDS": "0.5",
            "MAIL_STUCK_SECONDS": "8",
        }

    def start(self, *argv: str) -> "subprocess.Popen[bytes]":
        """A Python process of the portal."""
        return subprocess.Popen([sys.executable, *argv], cwd=ROOT, env=self.env, stdout=subprocess.PIPE)

    def run(self, *argv: str) -> None:
        """Run one to its end; its failure is the test's."""
        process = self.start(*argv)
        process.communicate(timeout=60)
        assert process.returncode == 0

    def queue(self, *addresses: str) -> None:
        """One mail to each address, from a web process."""
        self.run("-m", "portal.mail.tests.driver", "queue", *addresses)

    def worker(self) -> Service:
        """A Celery worker with beat inside."""
        argv = ["-m", "celery", "-A", "portal", "worker", "-B", "-Q", "mail", "-c", "3", "-l", "INFO"]
        return Service("worker", [sys.executable, *argv], self.folder, self.env)

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        """Columns of every mail in the outbox, as they are on disk."""
        query = f"SELECT {columns} FROM mail_outboxmessage ORDER BY id"  # noqa: S608  (columns of the test)
        if self.database_url.startswith("sqlite"):
            with closing(sqlite3.connect(self.folder / "portal.sqlite3", timeout=20)) as connection:
                return connection.execute(query).fetchall()
        with psycopg.connect(self.database_url) as postgres:
            return postgres.execute(query.encode()).fetchall()

    def states(self) -> list[str]:
        return [row[0] for row in self.rows("state")]


@pytest.fixture(scope="module")
def database() -> Iterator[Callable[[Path], str]]:
    """Makes a migrated database; on PostgreSQL one for the module, emptied between tests."""
    server = os.environ.get("TEST_DATABASE_URL", "")
    made: dict[str, str] = {}

    def migrate(folder: Path, url: str) -> None:
        env = {**os.environ, "VAR_DIR": str(folder), "DATABASE_URL": url, "PORTAL_MODE": "embedded"}
        env["DJANGO_SETTINGS_MODULE"] = "portal.settings"
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)

    def make(folder: Path) -> str:
        if not server:
            url = f"sqlite:///{folder / 'portal.sqlite3'}"
            if "sqlite" in made:
                shutil.copy(made["sqlite"], folder / "portal.sqlite3")
            else:
                migrate(folder, url)
                made["sqlite"] = str(shutil.copy(folder / "portal.sqlite3", folder / "migrated.sqlite3"))
            return url
        if "postgres" not in made:
            name = f"mail_{os.getpid()}"
            with psycopg.connect(server, autocommit=True) as postgres:
                postgres.execute(f"CREATE DATABASE {name}".encode())
            made["postgres"] = urlsplit(server)._replace(path=f"/{name}").geturl()
            migrate(folder, made["postgres"])
        with psycopg.connect(made["postgres"], autocommit=True) as postgres:
            postgres.execute("TRUNCATE mail_outboxmessage CASCADE")
        return made["postgres"]

    yield make
    if "postgres" in made:
        with psycopg.connect(server, autocommit=True) as postgres:
            postgres.execute(f"DROP DATABASE mail_{os.getpid()} WITH (FORCE)".encode())


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpServer]:
    """Not started: each test says when the server comes up."""
    folder = tmp_path / "mails"
    folder.mkdir()
    server = SmtpServer(free_port(), folder)
    yield server
    server.stop()


@pytest.fixture
def house(tmp_path: Path, database: Callable[[Path], str], smtp: SmtpServer) -> Iterator[House]:
    with RedisServer(tmp_path):
        yield House(tmp_path, database(tmp_path), smtp.port)


@pytest.mark.services
def test_server_down_for_a_while_loses_nothing_and_repeats_nothing(house: House, smtp: SmtpServer) -> None:
    addresses = [f"member{number}@example.org" for number in range(20)]
    with house.worker() as worker:
        house.queue(*addresses)
        worker.wait_until(lambda: all(attempts >= 2 for (attempts,) in house.rows("attempts")), 120)
        assert set(house.states()) <= {"queued", "sending"}
        assert "could not be reached: Connection refused." in house.rows("last_error")[0][0]
        smtp.start()
        worker.wait_until(lambda: house.states() == ["sent"] * 20, 120)
    assert sorted(mail["To"] for mail in smtp.mails()) == sorted(addresses)
    assert {mail["Message-ID"] for mail in smtp.mails()} == {row[0] for row in house.rows("message_id")}


@pytest.mark.services
def test_worker_killed_while_the_server_is_slow(house: House, smtp: SmtpServer) -> None:
    addresses = [f"member{number}@example.org" for number in range(6)]
    slow = SmtpServer(smtp.port, smtp.folder, seconds=60)
    with slow:
        house.queue(*addresses)
        with house.worker() as worker:
            worker.wait_until(lambda: len(list(smtp.folder.glob("*.begun"))) == 3, 120)
            worker.stop(signal.SIGKILL)
        assert sorted(house.states()) == ["queued"] * 3 + ["sending"] * 3
    assert smtp.mails() == []
    smtp.start()
    with house.worker() as worker:
        worker.wait_until(lambda: house.states() == ["sent"] * 6, 120)
    assert sorted(mail["To"] for mail in smtp.mails()) == sorted(addresses)
    assert {mail["Message-ID"] for mail in smtp.mails()} == {row[0] for row in house.rows("message_id")}


@pytest.mark.services
def test_answers_for_now_and_for_good(house: House, smtp: SmtpServer) -> None:
    smtp.start()
    with house.worker() as worker:
        house.queue("asha@example.org", "busy2@example.org", "nobody@example.org", "spam@example.org")
        worker.wait_until(lambda: set(house.states()) == {"sent", "failed"}, 120)
    assert house.rows("state, attempts, last_error") == [
        ("sent", 1, ""),
        ("sent", 3, ""),
        ("failed", 1, "The server refused the recipient: 550 5.1.1 No such user here"),
        ("failed", 1, "The server refused the message: 554 5.7.1 Not wanted"),
    ]
    first, second = sorted(smtp.mails(), key=lambda mail: str(mail["To"]))
    assert (first["To"], second["To"]) == ("asha@example.org", "busy2@example.org")
    _has_all_parts(first)


def _has_all_parts(mail: EmailMessage) -> None:
    """What a mail program needs, as it came over the wire."""
    assert mail["Subject"] == "Nachricht №0"
    assert mail["From"] == "Open Source Virtualization India <portal@localhost>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = mail["List-Unsubscribe"].strip()
    assert link.startswith("<http://localhost:8000/mail/unsubscribe/")
    assert link.encode() in mail.as_bytes(policy=email.policy.compat32)  # in one piece and not encoded
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Dear Asha," in body.get_content()


def test_processes_that_attempt_the_same_mail_send_it_once(house: House, smtp: SmtpServer) -> None:
    addresses = [f"member{number}@example.org" for number in range(5)]
    with SmtpServer(smtp.port, smtp.folder, seconds=0.3):
        house.queue(*addresses)
        driver = ("-m", "portal.mail.tests.driver", "deliver", str(house.folder))
        processes = [house.start(*driver) for _ in range(4)]
        try:
            wait_for(lambda: len(list(house.folder.glob("*.ready"))) == 4)
            (house.folder / "go").touch()
            outputs = [process.communicate(timeout=60)[0] for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()
    assert b"".join(outputs).count(b'"sent"') == 5
    assert house.rows("state, attempts") == [("sent", 1)] * 5
    assert sorted(mail["To"] for mail in smtp.mails()) == sorted(addresses)
