"""Mails about what was sent for review and what became of it. Each has a key that names its event: none comes twice."""

import datetime as dt
import unicodedata
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from kb.models import Article, Draft, ReviewComment, Revision, Watch
from kb.roles import REVIEW
from kb.services.mail_kinds import OWN_TEXTS, TO_REVIEW, WATCHED
from kb.services.watching import unwatch_url
from portal.accounts.models import User
from portal.mail.kinds import Kind
from portal.mail.services import Letter, queue_letters

_LONGEST_SUBJECT = 200


def reviewers() -> list[User]:
    """Everybody for whom ``kb.roles.is_reviewer`` is true."""
    app, codename = REVIEW.split(".")
    permission = {"content_type__app_label": app, "codename": codename}
    by_group = Q(**{f"groups__permissions__{name}": value for name, value in permission.items()})
    by_name = Q(**{f"user_permissions__{name}": value for name, value in permission.items()})
    may = Q(is_staff=True) | Q(is_superuser=True) | by_group | by_name
    return list(User.objects.filter(may, is_active=True).distinct().order_by("pk"))


def tell_submitted(revision: Revision) -> None:
    """Tell every reviewer but its author that ``revision`` waits."""
    readers = [user for user in reviewers() if user.pk != revision.author_id]
    subject = subject_line(f"To review: {revision.title}")
    _tell(TO_REVIEW, readers, subject, "submitted", f"submitted:{revision.pk}", _about(revision))


def tell_imported(revisions: Sequence[Revision]) -> None:
    """Tell every reviewer but their author, once, that these texts of one file wait."""
    first = revisions[0]
    readers = [user for user in reviewers() if user.pk != first.author_id]
    context = {"revisions": revisions, "author": first.author, "queue_url": _absolute("kb:review_queue")}
    count = len(revisions)
    subject = f"To review: {count} imported article{'' if count == 1 else 's'}"
    _tell(TO_REVIEW, readers, subject, "imported", f"imported:{first.pk}", context)


def tell_comment(comment: ReviewComment, *, at: dt.datetime) -> None:
    """Tell the author of a reviewer's words, or reviewers who spoke before of the author's; once an hour at most."""
    revision = comment.revision
    key = f"comment:{revision.pk}:{comment.author_id}:{at:%Y%m%d%H}"
    context = _about(revision) | {"comment": comment}
    if comment.author_id != revision.author_id:
        subject = subject_line(f"A word about your text: {revision.title}")
        _tell(OWN_TEXTS, _author_of(revision), subject, "comment", key, context)
        return
    spoke = User.objects.filter(is_active=True, review_comments__revision=revision)
    readers = [user for user in spoke.distinct().order_by("pk") if user.pk != revision.author_id]
    _tell(TO_REVIEW, readers, subject_line(f"An answer: {revision.title}"), "comment", key, context)


def tell_approved(revision: Revision, *, is_merged: bool) -> None:
    """Tell the author that readers see their text, together with others' changes where ``is_merged``."""
    readers = [user for user in _author_of(revision) if user.pk != revision.reviewer_id]
    subject = subject_line(f"Approved: {revision.title}")
    context = _about(revision) | {"is_merged": is_merged}
    _tell(OWN_TEXTS, readers, subject, "approved", f"approved:{revision.pk}", context)


def tell_sent_back(revision: Revision, draft: Draft | None) -> None:
    """Tell the author what has to change, line by line."""
    context = _about(revision) | {
        "comments": list(revision.comments.select_related("author")),
        "draft_url": _absolute("kb:draft", draft.key) if draft else "",
    }
    subject = subject_line(f"Sent back: {revision.title}")
    _tell(OWN_TEXTS, _author_of(revision), subject, "sent_back", f"sent-back:{revision.pk}", context)


def tell_watchers(revision: Revision, *, before: Revision | None) -> None:
    """Tell who watches the article of the change that readers see now; not of typos, nor who made or approved it."""
    if revision.significance == Revision.Significance.TYPO:
        return
    watches = Watch.objects.filter(article=revision.article_id, user__is_active=True)
    watches = watches.exclude(user__in=[pk for pk in (revision.author_id, revision.reviewer_id) if pk])
    context = _about(revision) | {"diff_url": _diff_url(revision, before)}
    letters = [
        Letter(
            to=watch.user.email,
            user=watch.user,
            subject=subject_line(f"Changed: {revision.title}"),
            context=context | {"unwatch_url": url},
            dedupe_key=f"kb:changed:{revision.pk}:{watch.user_id}",
            unsubscribe_url=url,
        )
        for watch in watches.select_related("user").order_by("pk")
        if (url := unwatch_url(watch))
    ]
    queue_letters(kind=WATCHED.key, template="kb/mail/changed", letters=letters)


def tell_new_owner(article: Article, *, by: User, at: dt.datetime) -> None:
    """Tell somebody that an article is theirs to keep true now."""
    readers = [article.owner] if article.owner and article.owner != by and article.owner.is_active else []
    context = {
        "article": article,
        "by": by.name,
        "url": settings.SITE_URL + article.get_absolute_url(),
        "settings_url": _absolute("kb:settings", article.slug),
    }
    subject = subject_line(f"Yours to keep true: {article.title}")
    _tell(OWN_TEXTS, readers, subject, "new_owner", f"owner:{article.pk}:{int(at.timestamp())}", context)


def subject_line(words: str) -> str:
    """``words`` on one line that fits; without characters that turn the direction of what follows them."""
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in words)
    line = " ".join(shown.split())
    return line if len(line) <= _LONGEST_SUBJECT else f"{line[: _LONGEST_SUBJECT - 1].rstrip()}…"


def _tell(
    kind: Kind, readers: list[User], subject: str, template: str, key: str, context: dict[str, Any]
) -> None:
    letters = [
        Letter(to=user.email, user=user, subject=subject, context=context, dedupe_key=f"kb:{key}:{user.pk}")
        for user in readers
    ]
    queue_letters(kind=kind.key, template=f"kb/mail/{template}", letters=letters)


def _author_of(revision: Revision) -> list[User]:
    return [revision.author] if revision.author and revision.author.is_active else []


def _about(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision,
        "review_url": _absolute("kb:review", revision.pk),
        "article_url": settings.SITE_URL + revision.article.get_absolute_url(),
    }


def _diff_url(revision: Revision, before: Revision | None) -> str:
    url = _absolute("kb:diff", revision.article.slug)
    return f"{url}?a={before.pk}&b={revision.pk}" if before else ""


def _absolute(name: str, *arguments: object) -> str:
    return settings.SITE_URL + reverse(name, args=arguments)
