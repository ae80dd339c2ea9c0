"""What the knowledge base keeps about a member: what they wrote, asked and said, and which articles they keep true."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kb.models import (
    Answer,
    Article,
    Attachment,
    Draft,
    HelpfulVote,
    Question,
    ReviewComment,
    Revision,
    Watch,
)
from portal.accounts.models import User

_DOCUMENT = ("title", "kind", "abstract", "tags", "applies_to", "series", "part", "content", "summary")


def export_kb(user: User) -> dict[str, Any]:
    """Every text of the member, and the articles that they keep true."""
    return {
        "revisions": list(
            Revision.objects.filter(author=user)
            .order_by("pk")
            .values("article__slug", *_DOCUMENT, "significance", "state", "verdict", "created_at")
        ),
        "drafts": list(
            Draft.objects.filter(author=user)
            .order_by("pk")
            .values("article__slug", *_DOCUMENT, "created_at", "updated_at")
        ),
        "articles": list(
            Article.objects.filter(owner=user).order_by("pk").values("slug", "title", "status", "created_at")
        ),
        "reviews": list(
            Revision.objects.filter(reviewer=user)
            .order_by("pk")
            .values("article__slug", "state", "verdict", "reviewed_at")
        ),
        "review_comments": list(
            ReviewComment.objects.filter(author=user)
            .order_by("pk")
            .values("revision__article__slug", "line", "text", "created_at")
        ),
        "questions": list(
            Question.objects.filter(author=user)
            .order_by("pk")
            .values("article__slug", "section", "text", "state", "created_at", "edited_at", "withdrawn_at")
        ),
        "answers": list(
            Answer.objects.filter(author=user)
            .order_by("pk")
            .values("question__article__slug", "text", "created_at", "edited_at", "withdrawn_at")
        ),
        "did_it_work": list(
            HelpfulVote.objects.filter(user=user)
            .order_by("pk")
            .values("revision__article__slug", "worked", "versions", "reason", "created_at")
        ),
        "pictures": list(
            Attachment.objects.filter(author=user)
            .order_by("pk")
            .values("sha256", "name", "alt", "created_at")
        ),
        "watched": list(Watch.objects.filter(user=user).order_by("pk").values("article__slug", "created_at")),
    }


def erase_kb(user: User) -> None:
    """Delete what nobody else has read or built on; what readers have in hand stays, without the member's name."""
    drafts = Article.objects.filter(owner=user, status=Article.Status.DRAFT).exclude(
        pk__in=Revision.objects.exclude(author=user).values("article")
    )
    # A reviewer who works on one of them keeps that text, as the beginning of an article of their own.
    others = Draft.objects.filter(article__in=drafts.values("pk")).exclude(author=user)
    others.update(article=None, based_on=None)
    drafts.update(current=None)  # a text that an article shows is protected from being deleted, also with it
    drafts.delete()
    shown = Article.objects.exclude(current=None).values("current")
    Revision.objects.filter(author=user).exclude(state=Revision.State.APPROVED).exclude(pk__in=shown).delete()
    Draft.objects.filter(author=user).delete()
    _erase_unused_pictures(user)
    unseen = Q(withdrawn_at__isnull=False)
    Answer.objects.filter(unseen | Q(is_held=True), author=user).delete()
    of_others = Answer.objects.exclude(author=user).values("question")
    unseen |= Q(state=Question.State.HELD)
    mine = Question.objects.filter(author=user)
    mine.filter(unseen | Q(promoted_in=None)).exclude(pk__in=of_others).delete()
    # What others answered stays, and that there was a question.
    mine.filter(unseen).update(text="", withdrawn_at=timezone.now(), state=Question.State.CLOSED)
    HelpfulVote.objects.filter(user=user).delete()
    Watch.objects.filter(user=user).delete()


def _erase_unused_pictures(user: User) -> None:
    """Pictures of the member that no text shows any more; those in a text stay, without the member's name."""
    for picture in Attachment.objects.filter(author=user):
        shown = {"content__contains": picture.sha256}
        if not Revision.objects.filter(**shown).exists() and not Draft.objects.filter(**shown).exists():
            picture.delete()
            if picture.file.name:
                transaction.on_commit(partial(picture.file.storage.delete, picture.file.name))


def my_articles(user: User) -> list[Article] | None:
    """The articles that the member keeps true, drafts included, for their own page; None when there are none."""
    mine = Article.objects.filter(owner=user, deleted_at=None).order_by("-updated_at")
    return list(mine[:10]) or None
