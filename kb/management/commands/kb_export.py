"""``manage.py kb_export``: the knowledge base as Markdown with front matter, in a zip or in a folder under git."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from kb.bundles import write_folder, write_zip
from kb.models import Article
from kb.services.transfer import export_bundle


class Command(BaseCommand):
    """Writes what readers see; the same articles give the same bytes."""

    help = "Write every published article with its pictures to PATH, a folder or a .zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """PATH, and whether what readers do not see comes along."""
        parser.add_argument(
            "path", type=Path, help="A folder (files that are gone are removed), or a name that ends in .zip."
        )
        parser.add_argument("--all", action="store_true", help="Drafts and archived articles, too.")

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        """Say how many articles, and in a folder what changed."""
        kept = Article.objects.filter(deleted_at=None)
        bundle = export_bundle(kept if options["all"] else Article.objects.published())
        if path.suffix == ".zip":
            path.write_bytes(write_zip(bundle))
        else:
            written, removed = write_folder(bundle, path)
            for word, names in (("wrote", written), ("removed", removed)):
                for name in names:
                    self.stdout.write(f"{word} {name}")
        self.stdout.write(
            self.style.SUCCESS(f"{len(bundle.articles)} articles, {len(bundle.pictures)} pictures.")
        )
