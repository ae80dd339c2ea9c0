"""``manage.py doctor``: what works on this machine, what does not, and what to do about it."""

import shutil
from collections.abc import Iterator
from importlib import metadata
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from labtools.sandbox import is_available, qemu_img_version
from portal import health, pulse


class Finding(NamedTuple):
    """One thing that was looked at, and a sentence about it."""

    name: str
    ok: bool
    sentence: str


def _findings() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    yield Finding(
        "database", waiting == 0, f"{connection.vendor}, {waiting} migrations to run (manage.py migrate)"
    )
    broker = health.broker_answers()
    yield Finding(
        "broker", broker, "answers" if broker else "does not answer: is redis-server running (bin/run)?"
    )
    for queue in settings.WORKER_QUEUES:
        age = pulse.seconds_since(queue) if broker else None
        seen = "never seen" if age is None else f"seen {age:.0f} s ago"
        yield Finding(f"worker of {queue}", broker and pulse.is_alive(queue), seen)
    version = qemu_img_version()
    yield Finding("qemu-img", bool(version), version or "not found: apt-get install qemu-utils")
    sandbox = is_available()
    yield Finding("sandbox", sandbox.ok, sandbox.reason or "bubblewrap can isolate qemu-img")
    yield Finding(
        "redis-server", bool(shutil.which("redis-server")), shutil.which("redis-server") or "not installed"
    )
    try:
        libvirt = metadata.version("libvirt-python")
    except metadata.PackageNotFoundError:
        libvirt = ""
    yield Finding(
        "libvirt-python",
        bool(libvirt),
        libvirt or "apt-get install libvirt-dev, then bin/bootstrap",
    )


class Command(BaseCommand):
    """Print one line for each thing; exit 1 when one of them is not well."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(_findings())
        for finding in findings:
            style = self.style.SUCCESS if finding.ok else self.style.ERROR
            self.stdout.write(
                f"{style('ok  ' if finding.ok else 'MISS')}  {finding.name}: {finding.sentence}"
            )
        if not all(finding.ok for finding in findings):
            raise SystemExit(1)
