"""What those who look after articles are shown."""

from django.db.models import Q, QuerySet

from kb.models import Article
from kb.roles import can_keep, is_reviewer
from portal.accounts.models import User


def kept_article(user: User, slug: str) -> Article | None:
    """The article for whoever looks after it; None for everybody else."""
    found = Article.objects.visible_to(user).defer("html", "toc", "shown").select_related("owner")
    article = found.filter(slug=slug).first()
    return article if article and can_keep(user, article) else None


def deleted_articles(user: User) -> "QuerySet[Article]":
    """What was deleted and can be brought back by ``user``, the last deleted first."""
    found = Article.objects.deleted().select_related("deleted_by").defer("html", "toc", "shown")
    if not is_reviewer(user):
        found = found.filter(deleted_by=user)
    return found.order_by("-deleted_at", "pk")


def gone_since(slug: str) -> Article | None:
    """The deleted article that readers once had at ``slug``; None where there was none."""
    found = Article.objects.deleted().filter(
        Q(slug=slug) | Q(old_slugs__slug=slug), published_at__isnull=False
    )
    return found.only("deleted_at", "title").first()
