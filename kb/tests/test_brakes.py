"""What new members cannot do yet, and that reviewers hear of what was sent."""

import pytest

from kb.documents import Document
from kb.models import Draft, Revision
from kb.services import review
from kb.services.brakes import NEW_LINKS, NEW_WAITING
from kb.services.writing import WritingRefused, submit_draft
from kb.tests.factories import NOW
from kb.tests.review_factories import LATER, make_known, make_reviewer
from portal.accounts.models import User
from portal.mail.models import OptOut, OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db


def draft(author: User, content: str = "Some words.\n") -> Draft:
    made = Draft(author=author)
    made.document = Document(title="A title", content=content)
    made.save()
    return made


def links(number: int) -> str:
    return "".join(f"<https://place-{n}.example/>\n\n" for n in range(number))


def test_new_member_has_two_texts_waiting_at_most(owner: User) -> None:
    for _ in range(NEW_WAITING):
        submit_draft(draft=draft(owner), at=NOW)
    third = draft(owner)
    with pytest.raises(WritingRefused, match="2 texts of yours wait"):
        submit_draft(draft=third, at=NOW)
    assert Draft.objects.filter(pk=third.pk).exists()
    review.approve_revision(
        revision=Revision.objects.earliest("pk"), reviewer=make_reviewer(), at=LATER, seen=None
    )
    submit_draft(draft=third, at=LATER)
    submit_draft(draft=draft(owner), at=LATER)
    assert Revision.objects.waiting().count() == 3


def test_first_text_full_of_links_is_refused_in_words_and_later_ones_are_not(owner: User) -> None:
    submit_draft(draft=draft(owner, links(NEW_LINKS)), at=NOW)
    with pytest.raises(WritingRefused, match=f"links to {NEW_LINKS + 1} places"):
        submit_draft(draft=draft(owner, links(NEW_LINKS + 1)), at=NOW)
    make_known(owner)
    submit_draft(draft=draft(owner, links(NEW_LINKS + 1)), at=NOW)


def test_reviewers_are_not_braked(owner: User) -> None:
    reviewer = make_reviewer()
    for _ in range(NEW_WAITING + 1):
        submit_draft(draft=draft(reviewer, links(NEW_LINKS + 1)), at=NOW)
    assert Revision.objects.waiting().count() == NEW_WAITING + 1


def test_reviewers_hear_of_what_was_sent_unless_they_wrote_it_or_switched_it_off(owner: User) -> None:
    reviewer, quiet = make_reviewer(), make_reviewer("quiet@example.org")
    make_user("plain@example.org")
    OptOut.objects.create(user=quiet, kind="kb_to_review")
    sent = submit_draft(draft=draft(owner), at=NOW).revision
    [mail] = OutboxMessage.objects.all()
    assert (mail.to_email, mail.subject) == (reviewer.email, "To review: A title")
    assert f"/kb/review/{sent.pk}/" in mail.text_body
    submit_draft(draft=draft(reviewer), at=NOW)
    assert OutboxMessage.objects.count() == 1
