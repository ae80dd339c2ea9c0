"""``manage.py search_reindex``: bring the search in step with what the rooms have."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from portal.search import services


class Command(BaseCommand):
    """Index what is new or changed, forget what is gone."""

    help = "Bring the search index in step with every room. Safe to run at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how much was out of step."""
        changed = services.reconcile_all(at=timezone.now())
        self.stdout.write(f"{changed} indexed or forgotten." if changed else "The index is in step.")
