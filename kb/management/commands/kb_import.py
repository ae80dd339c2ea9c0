"""``manage.py kb_import``: articles from a folder or zip that ``kb_export`` wrote and people changed."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from kb.bundles import MAX_ALL, NotABundleError, read_folder, read_zip
from kb.services.transfer import Outcome, import_bundle


class Command(BaseCommand):
    """Publishes what fits; a file whose base revision does not fit is told and changes nothing."""

    help = "Take in articles from PATH, a folder or a .zip. Ends with an error if any file was not taken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """PATH, and whether to look only."""
        parser.add_argument("path", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Say what would become of each file.")

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        """A line for each file that is not what it was."""
        try:
            if path.is_dir():
                bundle = read_folder(path)
            elif path.stat().st_size > MAX_ALL:
                raise NotABundleError(f"The zip is larger than {MAX_ALL // 2**20} MiB.")
            else:
                bundle = read_zip(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except NotABundleError as error:
            raise CommandError(str(error)) from error
        results = import_bundle(
            bundle=bundle, author=None, at=timezone.now(), is_trial=options["dry_run"], is_own=True
        )
        for result in results:
            if result.outcome is not Outcome.UNCHANGED:
                self.stdout.write(f"{result.outcome.value:9} {result.name}  {result.sentence}".rstrip())
        taken = sum(result.outcome.is_taken for result in results)
        same = sum(result.outcome is Outcome.UNCHANGED for result in results)
        self.stdout.write(f"{taken} taken, {same} unchanged, {len(results) - taken - same} not taken.")
        if taken + same < len(results):
            raise CommandError("Some files were not taken; nothing of theirs was changed.")
