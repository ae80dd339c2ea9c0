"""What the knowledge base keeps about a member: what they wrote, and which articles they keep true."""

from typing import Any

from kb.models import Article, Revision
from portal.accounts.models import User


def export_kb(user: User) -> dict[str, Any]:
    """Every text of the member, and the articles that they keep true."""
    return {
        "revisions": list(
            Revision.objects.filter(author=user)
            .order_by("pk")
            .values("article__slug", "content", "summary", "state", "created_at")
        ),
        "articles": list(
            Article.objects.filter(owner=user).order_by("pk").values("slug", "title", "status", "created_at")
        ),
    }


def erase_kb(user: User) -> None:
    """Delete what nobody else has read or built on; what readers have in hand stays, without the member's name."""
    drafts = Article.objects.filter(owner=user, status=Article.Status.DRAFT).exclude(
        pk__in=Revision.objects.exclude(author=user).values("article")
    )
    drafts.update(current=None)  # a text that an article shows is protected from being deleted, also with it
    drafts.delete()
    shown = Article.objects.exclude(current=None).values("current")
    Revision.objects.filter(author=user).exclude(state=Revision.State.APPROVED).exclude(pk__in=shown).delete()


def my_articles(user: User) -> list[Article] | None:
    """The articles that the member keeps true, drafts included, for their own page; None when there are none."""
    return list(Article.objects.filter(owner=user).order_by("-updated_at")[:10]) or None
