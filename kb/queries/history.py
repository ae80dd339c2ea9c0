"""What became of an article's text over time."""

from django.core.cache import cache
from django.db.models import QuerySet

from kb import rendering
from kb.live_parts import parts_of_old_text
from kb.models import Article, Revision, Watch
from portal.accounts.models import User

_KEEP_SECONDS = 24 * 3600


def history(user: object, article: Article) -> "QuerySet[Revision]":
    """The revisions of ``article`` that ``user`` may see, the newest first, without their text."""
    seen = Revision.objects.visible_to(user).filter(article=article)
    return seen.select_related("author", "reviewer").defer("content").order_by("-created_at", "-pk")


def contributors(article: Article) -> list[User]:
    """Whose texts readers have seen, in the order of their first."""
    approved = Revision.objects.filter(article=article, state=Revision.State.APPROVED, author__isnull=False)
    pks = list(dict.fromkeys(approved.order_by("created_at", "pk").values_list("author", flat=True)))
    users = User.objects.in_bulk([pk for pk in pks if pk])
    return [users[pk] for pk in pks if pk in users]


def revision_of(user: object, article: Article, pk: int) -> Revision | None:
    """One revision of ``article``, if ``user`` may see it."""
    seen = Revision.objects.visible_to(user).select_related("author", "reviewer", "based_on")
    return seen.filter(article=article, pk=pk).first()


def rendered(revision: Revision) -> str:
    """Its text as HTML, without what stands around it. Kept for a day: revisions do not change, rendering costs."""
    key = f"kb-old-2:{rendering.VERSION}:{revision.sha}"
    html = cache.get(key)
    if html is None:
        html = rendering.render(revision.content, parts_of_old_text()).html
        cache.set(key, html, _KEEP_SECONDS)
    return str(html)


def is_watched(user: User, article: Article) -> bool:
    """Whether ``user`` is told when ``article`` changes."""
    return Watch.objects.filter(user=user, article=article).exists()
