"""``manage.py chapter_export pune --output pune.zip``: a chapter's archive."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.models import Chapter
from events.queries.chapter_archive import write_archive


class Command(BaseCommand):
    help = "Write the archive of a chapter: Markdown, ICS and JSON in a zip, nothing about its members."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="last part of the chapter's address")
        parser.add_argument("--output", type=Path, help="file to write; <slug>.zip if not given")

    def handle(self, *args: Any, **options: Any) -> None:
        chapter = Chapter.objects.filter(slug=options["slug"]).first()
        if chapter is None:
            raise CommandError(f"There is no chapter at /chapters/{options['slug']}/.")
        path = options["output"] or Path(f"{chapter.slug}.zip")
        data = write_archive(chapter)
        path.write_bytes(data)
        self.stdout.write(f"{path}: {len(data)} bytes")
