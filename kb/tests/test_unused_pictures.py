"""Pictures that no text shows: removed a month after they were last sent, and never one that somebody takes up."""

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kb.documents import Document
from kb.models import Attachment, Draft
from kb.services import pictures as service
from kb.services.pictures import UNUSED_KEPT, keep_picture, remove_unused
from kb.services.writing import save_draft, start_draft
from kb.tasks import remove_unused_pictures
from kb.tests.factories import NOW, make_article, publish_text
from kb.tests.review_factories import submit
from portal.accounts.models import User
from portal.tests.pictures import picture

pytestmark = pytest.mark.django_db
LATER = NOW + UNUSED_KEPT + dt.timedelta(seconds=1)
Run = Callable[..., Any]


def kept(number: int = 0, at: dt.datetime = NOW) -> Attachment:
    """A picture like no other, sent at ``at``."""
    data = picture((64 + number, 48), form="PNG")
    return keep_picture(file=io.BytesIO(data), name="a.png", alt="A", author=None, at=at)


def line(one: Attachment) -> str:
    return f"![A]({one.get_absolute_url()})\n"


def left() -> set[str]:
    return set(Attachment.objects.values_list("sha256", flat=True))


def test_what_any_text_shows_stays_and_the_rest_goes_with_its_file(
    owner: User, member: User, django_capture_on_commit_callbacks: Run
) -> None:
    current, before, sent_back, waiting, draft, unused = (kept(n) for n in range(6))
    article = make_article(line(before), at=NOW)
    publish_text(article, line(current))
    submit(owner, line(sent_back), article, state="rejected", reviewed_at=NOW)
    submit(owner, line(waiting), article)
    Draft.objects.create(author=owner, content=line(draft))
    with django_capture_on_commit_callbacks(execute=True):
        assert remove_unused(at=NOW + UNUSED_KEPT) == 0, "not a moment before"
        assert remove_unused(at=LATER) == 1
        assert default_storage.exists(str(unused.file.name)), "the file goes once the row is gone for sure"
    assert left() == {one.sha256 for one in (current, before, sent_back, waiting, draft)}
    assert not default_storage.exists(str(unused.file.name))
    assert all(default_storage.exists(str(one.file.name)) for one in Attachment.objects.all())
    assert remove_unused(at=LATER) == 0


def test_a_rollback_keeps_row_and_file(django_capture_on_commit_callbacks: Run) -> None:
    unused = kept()

    @transaction.atomic
    def remove_and_fail() -> None:
        assert remove_unused(at=LATER) == 1
        raise ZeroDivisionError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError):
        remove_and_fail()
    assert left() == {unused.sha256}
    assert default_storage.exists(str(unused.file.name))


def test_a_picture_sent_again_is_kept_for_another_month_and_one_that_was_removed_is_made_anew(
    django_capture_on_commit_callbacks: Run,
) -> None:
    first = kept()
    again = kept(at=LATER)
    assert again == first
    assert again.sent_at == LATER
    assert remove_unused(at=LATER) == 0
    with django_capture_on_commit_callbacks() as callbacks:
        assert remove_unused(at=LATER + UNUSED_KEPT * 2) == 1
    anew = kept(at=LATER)  # before the old file is gone
    for callback in callbacks:
        callback()
    assert default_storage.exists(str(anew.file.name))


def test_a_draft_that_takes_it_up_while_pictures_are_removed_keeps_it(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    unused = kept()
    named = service._named_anywhere

    def named_and_then_saved() -> set[str]:
        before = named()
        Draft.objects.create(author=owner, content=line(unused))
        return before

    monkeypatch.setattr(service, "_named_anywhere", named_and_then_saved)
    assert remove_unused(at=LATER) == 0
    assert left() == {unused.sha256}


def test_texts_hold_their_pictures_while_they_are_stored(owner: User, member: User) -> None:
    one = kept()
    article = make_article("Words.")
    draft = start_draft(author=_verified(owner), article=article, at=NOW)

    def queries_of(act: Run) -> str:
        with CaptureQueriesContext(connection) as caught:
            act()
        return "\n".join(query["sql"] for query in caught if "kb_attachment" in query["sql"])

    document = Document(title="T", content=line(one))
    assert one.sha256 in queries_of(lambda: save_draft(draft=draft, version=0, document=document, at=NOW))
    assert one.sha256 in queries_of(lambda: publish_text(article, line(one)))
    assert "kb_attachment" not in queries_of(
        lambda: save_draft(
            draft=draft, version=1, document=Document(title="T", content="No picture."), at=NOW
        )
    )


def _verified(user: User) -> User:
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True})
    return user


def test_a_run_removes_a_batch_and_asks_no_more_for_what_is_used() -> None:
    for number in range(4):
        kept(number)
    assert remove_unused(at=LATER, most=3) == 3
    assert remove_unused(at=LATER, most=3) == 1
    counts = []
    for number in (1, 3):
        make_article("".join(line(kept(n)) for n in range(number)))
        with CaptureQueriesContext(connection) as caught:
            assert remove_unused(at=LATER) == 0
        counts.append(len(caught))
    assert counts[0] == counts[1] == 4


def test_beat_does_it_daily() -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["remove-unused-pictures"]
    assert (entry["task"], entry["schedule"]) == (remove_unused_pictures.name, 24 * 3600)
    kept(at=timezone.now() - UNUSED_KEPT * 2)
    remove_unused_pictures()
    assert not left()
