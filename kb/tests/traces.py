"""Something of one member wherever this room can keep something of a member."""

from django.utils import timezone

from kb.models import (
    Answer,
    Article,
    Attachment,
    Check,
    Draft,
    HelpfulVote,
    Question,
    ReviewComment,
    Revision,
    Watch,
)
from portal.accounts.models import User


def leave_traces(user: User) -> None:
    """Rows that name ``user``; those that are theirs alone say "unmistakable"."""
    now = timezone.now()
    draft = Article.objects.create(slug="unmistakable-draft", title="Draft", owner=user)
    draft.current = Revision.objects.create(article=draft, content="By Asha Unmistakable", author=user)
    draft.save()
    article = Article.objects.create(slug="kept", title="Kept", owner=user)
    approved = Revision.objects.create(
        article=article,
        content="Read by all.",
        author=user,
        reviewer=user,
        state=Revision.State.APPROVED,
        reviewed_at=now,
    )
    Revision.objects.create(article=article, content="Unmistakable plans.", author=user, state="submitted")
    Article.objects.filter(pk=article.pk).update(status="archived")
    Article.objects.create(slug="gone", title="Gone", deleted_at=now, deleted_by=user)
    Draft.objects.create(author=user, article=article, content="Unmistakable words.")
    ReviewComment.objects.create(revision=approved, author=user, text="Well said.")
    Watch.objects.create(article=article, user=user)
    HelpfulVote.objects.create(revision=approved, user=user, worked=False, reason="Unmistakable trouble.")
    question = Question.objects.create(article=article, author=user, text="Unmistakable?")
    Answer.objects.create(question=question, author=user, text="Unmistakable!")
    other = Question.objects.create(article=article, author=None, text="Who?")
    Answer.objects.create(question=other, author=user, text="Nobody.")
    Attachment.objects.create(
        sha256="0" * 64, name="a.png", alt="A", media_type="image/png", width=1, height=1, size=1, author=user
    )
    Check.objects.create(
        article=article, revision=approved, fence="1" * 64, position=1, recipe=[], decided_by=user
    )
