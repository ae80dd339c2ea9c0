"""What the knowledge base starts with: articles written by us, every command of which was run as it stands.

The texts lie beside this module, as ``manage.py kb_export`` would write them. What people edited or archived later
is left as they left it.
"""

import datetime as dt
from pathlib import Path

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils import timezone

from kb.front_matter import ArticleFile, from_text
from kb.models import Article, Revision, SlugRedirect
from kb.services import publish_document, rerender_outdated

FOLDER = Path(__file__).parent / "starting_articles"
#: Groups by name, with the permission of their members.
_GROUPS = {"Knowledge base reviewers": "review_article", "Lab maintainers": "approve_check"}
#: After which an article should be tried again.
_GOOD_FOR = dt.timedelta(days=365)


def starts() -> list[ArticleFile]:
    """The articles, by slug: each is ``starting_articles/<slug>.md``; ``reviewed`` is the day it was last tried."""
    return [from_text(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.md"))]


def load() -> list[str]:
    """Make what is not there yet, render anew what an older renderer left; return a line for each."""
    made = [f"group “{name}”" for name, may in _GROUPS.items() if _make_group(name, may)]
    made += [f"article “{start.document.title}”" for start in starts() if _load_article(start)]
    return made + [f"article “{article.title}” rendered anew" for article in rerender_outdated()]


@transaction.atomic
def _make_group(name: str, may: str) -> bool:
    """A group whose members may do one thing. What it may do later is for the administrators to say."""
    group, is_new = Group.objects.get_or_create(name=name)
    if is_new:
        group.permissions.add(Permission.objects.get(content_type__app_label="kb", codename=may))
    return is_new


@transaction.atomic
def _load_article(start: ArticleFile) -> bool:
    if SlugRedirect.objects.filter(slug=start.slug).exists():
        return False  # it was given another address
    defaults = {
        "title": start.document.title,
        "reviewed_at": start.reviewed,
        "review_due": start.reviewed + _GOOD_FOR if start.reviewed else None,
    }
    article, is_new = Article.objects.get_or_create(slug=start.slug, defaults=defaults)
    if is_new:
        publish_document(
            article=article,
            document=start.document,
            author=None,
            at=timezone.now(),
            summary="First version.",
            origin=Revision.Origin.PORTAL,
        )
    return is_new
