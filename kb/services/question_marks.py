"""What an article and its questions know of each other: how many there are, and which are in the text by now."""

from kb.models import Answer, Article, Question, Revision
from kb.services.surroundings import lock_shown

#: States of a question that still waits for something.
UNSETTLED = (Question.State.OPEN, Question.State.ANSWERED)


def note_promoted(article: Article, revision: Revision) -> None:
    """After ``revision`` became what readers see: questions whose words are in it now say where."""
    open_ones = Question.objects.filter(article=article, state__in=UNSETTLED, withdrawn_at=None)
    content = plain_words(revision.content)
    # As promoting writes it, in bold: the words of "How?" alone stand in many a text.
    found = [one.pk for one in open_ones[:200] if f"**{plain_words(one.text)}**" in content]
    if found:
        Question.objects.filter(pk__in=found).update(state=Question.State.PROMOTED, promoted_in=revision)
        refresh_count(article)


def refresh_count(article: Article) -> None:
    """Store with the article how many questions readers find."""
    count = Question.objects.public().filter(article=article).count()
    with lock_shown(article) as shown:
        shown["questions"] = count


def settle_state(question: Question) -> None:
    """Say of a question that waits for nobody whether it is answered, after answers of it came or went."""
    has_answer = Answer.objects.public().filter(question=question).exists()
    state, other = UNSETTLED[::-1] if has_answer else UNSETTLED
    Question.objects.filter(pk=question.pk, state=other).update(state=state)


def plain_words(text: str) -> str:
    """``text`` without regard to where its lines end."""
    return " ".join(text.split())
