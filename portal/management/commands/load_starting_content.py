"""``manage.py load_starting_content``: what every room has to show on its first day."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from portal.search import services


class Command(BaseCommand):
    """Calls ``load()`` of each room's ``starting_content``; what is there already stays as people left it."""

    help = "Make the starting content of every room where it is missing. Safe to run at every start."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was made, a line each."""
        made = 0
        for room in settings.ROOMS:
            # A room may have nothing to start with; a broken module, though, must be heard of.
            if find_spec(f"{room}.starting_content") is None:
                continue
            for line in import_module(f"{room}.starting_content").load() or []:
                self.stdout.write(f"{room}: {line}")
                made += 1
        services.reconcile_all(at=timezone.now())
        self.stdout.write(
            self.style.SUCCESS("Starting content is in place.") if not made else f"{made} made."
        )
