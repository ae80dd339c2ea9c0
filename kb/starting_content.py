"""What the knowledge base starts with: articles written by us, every command of which was run as it stands.

The texts lie beside this module as Markdown. What people edited or archived later is left as they left it.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from kb.documents import AppliesToRange, Document
from kb.models import AppliesTo, Article
from kb.services import publish_document, rerender_outdated

FOLDER = Path(__file__).parent / "starting_articles"


@dataclass(frozen=True)
class Start:
    """One article: its Markdown is ``starting_articles/<slug>.md``. ``tried_on`` is the day it was last run."""

    slug: str
    kind: Article.Kind
    title: str
    summary: str
    tags: tuple[str, ...]
    applies_to: tuple[AppliesToRange, ...]
    tried_on: dt.date
    series: str = ""
    part: int | None = None

    @property
    def document(self) -> Document:
        """Its head and its Markdown."""
        return Document(
            title=self.title,
            content=(FOLDER / f"{self.slug}.md").read_text(encoding="utf-8"),
            kind=self.kind,
            abstract=self.summary,
            tags=self.tags,
            applies_to=self.applies_to,
            series=self.series,
            part=self.part,
        )


STARTS = (
    Start(
        slug="read-a-qcow2-header",
        kind=Article.Kind.HOW_TO,
        title="Read a qcow2 header byte by byte, and check an image",
        summary=(
            "The first hundred bytes of a qcow2 file say how large the disk is and where everything lies. "
            "Read them by hand once, then let qemu-img judge the rest."
        ),
        tags=("qcow2", "qemu-img", "Storage"),
        applies_to=(AppliesToRange(AppliesTo.Component.QEMU, "7.2", "7.2"),),
        tried_on=dt.date(2026, 11, 22),
    ),
)


def load() -> list[str]:
    """Make what is not there yet, render anew what an older renderer left; return a line for each."""
    made = [f"article “{start.title}”" for start in STARTS if _load_article(start)]
    return made + [f"article “{article.title}” rendered anew" for article in rerender_outdated()]


@transaction.atomic
def _load_article(start: Start) -> bool:
    defaults = {
        "title": start.title,
        "reviewed_at": start.tried_on,
        "review_due": start.tried_on + dt.timedelta(days=365),
    }
    article, is_new = Article.objects.get_or_create(slug=start.slug, defaults=defaults)
    if is_new:
        publish_document(
            article=article, document=start.document, author=None, at=timezone.now(), summary="First version."
        )
    return is_new
