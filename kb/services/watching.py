"""Who is told when an article changes, and the link in those mails by which one stops it."""

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from kb.models import Article, Watch
from portal.accounts.models import User

_SALT = "kb.watch"


class LinkInvalid(ValueError):
    """Forged, or cut off by a mail program."""


def watch_article(*, article: Article, user: User) -> None:
    """Tell ``user`` from now on. Doing it again changes nothing. ``PermissionDenied`` if they may not read it."""
    if not Article.objects.visible_to(user).filter(pk=article.pk).exists():
        raise PermissionDenied
    Watch.objects.get_or_create(article=article, user=user)


def unwatch_article(*, article: Article, user: User) -> None:
    """Tell ``user`` no more. Doing it again changes nothing."""
    Watch.objects.filter(article=article, user=user).delete()


def unwatch_url(watch: Watch) -> str:
    """The absolute address that ends ``watch`` without sign-in: GET asks, POST acts (RFC 8058)."""
    token = signing.dumps([watch.article_id, watch.user_id], salt=_SALT)
    return settings.SITE_URL + reverse("kb:unwatch", args=[token])


def read_unwatch_link(token: str) -> Watch | None:
    """The watch that the link is about, None where it has ended. Raises :class:`LinkInvalid`."""
    try:
        article_pk, user_pk = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise LinkInvalid(token) from error
    return Watch.objects.select_related("article").filter(article=article_pk, user=user_pk).first()
