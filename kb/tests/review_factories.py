"""Hand-written makers of texts that wait for review, and of those who judge them."""

import datetime as dt
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import Permission

from kb.documents import Document
from kb.models import Article, Revision
from kb.tests.factories import NOW, make_article, publish_text
from portal.accounts.models import User
from portal.tests.factories import make_user

BASE = "## One\n\nfirst\n\n## Two\n\nsecond\n"
LATER = NOW + dt.timedelta(hours=1)


def make_reviewer(email: str = "reviewer@example.org", **fields: Any) -> User:
    """A member who reviews by the permission alone, not as staff."""
    user = make_user(email, **({"display_name": "Vera Reviewer"} | fields))
    user.user_permissions.add(Permission.objects.get(codename="review_article"))
    return User.objects.get(pk=user.pk)  # without the permissions it had a moment ago


def submit(
    author: User | None, content: str, article: Article | None = None, at: dt.datetime = NOW, **more: Any
) -> Revision:
    """``content`` as the text that ``author`` sent: for ``article``, or as a new one of theirs."""
    fields = {
        name: more.pop(name)
        for name in ("summary", "significance", "state", "reviewer", "reviewed_at")
        if name in more
    }
    if article is None:
        article = make_article(None, owner=author, **more)
        document = Document(title=article.title, content=content)
    else:
        assert article.current is not None
        document = replace(article.current.document, content=content, **more)
    document = document.normalised()
    revision = Revision(
        article=article, based_on=article.current, author=author, sha=document.sha, created_at=at, **fields
    )
    revision.document = document
    revision.save()
    return revision


def make_known(user: User) -> None:
    """Readers have seen a text of theirs."""
    submit(user, "Known.", make_article(), state="merged", reviewer=user, reviewed_at=NOW)


def make_own_article(owner: User, content: str = "A text.\n", **fields: Any) -> Article:
    """A published article that its owner alone has written."""
    article = make_article(None, owner=owner, **fields)
    publish_text(article, content, author=owner)
    return article
