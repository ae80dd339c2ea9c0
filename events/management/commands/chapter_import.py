"""``manage.py chapter_import pune.zip``: bring a chapter's archive back."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.services.chapter_archive import MOST_BYTES, ArchiveRefused, import_chapter, read_archive


class Command(BaseCommand):
    help = "Make the chapter of an archive that chapter_export wrote. It must not be there yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, help="the zip file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["archive"].open("rb") as file:
                data = file.read(MOST_BYTES + 1)
            chapter = import_chapter(read_archive(data))
        except OSError as error:
            raise CommandError(f"{options['archive']} cannot be read: {error.strerror}") from error
        except ArchiveRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{chapter.city}: {chapter.meetups.count()} meetups")
