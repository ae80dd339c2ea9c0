"""What enters the outbox, and what does not."""

from typing import Any

import pytest
from django.core.mail import BadHeaderError
from django.db import transaction

from portal.accounts.models import User
from portal.mail import kinds, services
from portal.mail.models import OutboxMessage
from portal.mail.services import Attachment, Letter, queue_letters, queue_mail


def queue(**changes: Any) -> OutboxMessage | None:
    """A mail about an account, changed as the test wants it; its template is the tests' own."""
    call: dict[str, Any] = {
        "kind": "account",
        "to": "asha@example.org",
        "subject": "Hello",
        "template": "mail/tests/note",
        "context": {"name": "Asha O'Neil <b>"},
        "dedupe_key": "note:1",
    }
    return queue_mail(**{**call, **changes})


@pytest.mark.django_db
def test_mail_has_a_text_part_as_typed_and_an_html_part_escaped() -> None:
    message = queue()
    assert message is not None
    assert "Dear Asha O'Neil <b>," in message.text_body
    assert "Dear Asha O&#x27;Neil &lt;b&gt;," in message.html_body
    assert message.html_body.lstrip().startswith("<!DOCTYPE html>")


@pytest.mark.django_db
def test_text_without_an_html_template_is_set_in_the_frame() -> None:
    message = queue(template="mail/tests/plain")
    assert message is not None
    assert "Dear Asha O'Neil <b>,\n\nopen http://localhost:8000/me/\n\n-- \n" in message.text_body
    assert (
        'Dear Asha O&#x27;Neil &lt;b&gt;,\n\nopen <a href="http://localhost:8000/me/">' in message.html_body
    )
    assert "-- " not in message.html_body


@pytest.mark.django_db
def test_second_call_for_one_event_returns_the_first_row() -> None:
    first = queue()
    with transaction.atomic():
        second = queue(subject="Another", context={"name": "Ravi"})
        assert first == second
        assert OutboxMessage.objects.get().subject == "Hello"  # the surrounding transaction still works


@pytest.mark.django_db
def test_lost_race_for_one_event_leaves_the_surrounding_transaction_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in two requests at once: the other's row appears between our look and our insert."""
    first = queue()
    found = OutboxMessage.objects.filter
    monkeypatch.setattr(
        OutboxMessage.objects,
        "filter",
        lambda **by: found(**by).none() if "dedupe_key" in by else found(**by),
    )
    real_get, misses = type(OutboxMessage.objects.all()).get, iter([True])

    def get_after_a_miss(self: Any, *args: Any, **by: Any) -> OutboxMessage:
        if "dedupe_key" in by and next(misses, False):
            raise OutboxMessage.DoesNotExist
        found_row: OutboxMessage = real_get(self, *args, **by)
        return found_row

    monkeypatch.setattr("django.db.models.query.QuerySet.get", get_after_a_miss)
    with transaction.atomic():
        assert queue(attachments=[Attachment("a.ics", "text/calendar", b"x")]) == first
        assert OutboxMessage.objects.count() == 1
    assert first is not None
    assert first.attachments.count() == 0


@pytest.mark.django_db
def test_rolled_back_transaction_leaves_no_mail(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()
    assert not callbacks


@pytest.mark.django_db
def test_worker_is_told_after_the_commit_only(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        queue()
        queue()
    assert len(callbacks) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\nBcc: everyone@example.org"},
        {"subject": "Hello\r\n\r\nA body of their own"},
        {"subject": "Hello\n"},
        {"headers": {"X-Meetup": "one\r\nBcc: everyone@example.org"}},
        {"headers": {"X-Meetup: one\nBcc": "everyone@example.org"}},
        {"headers": {"Bcc": "everyone@example.org"}},
        {"headers": {"message-id": "<mine@example.org>"}},
        {"attachments": [Attachment("a.ics\nX: y", "text/calendar", b"")]},
        {"attachments": [Attachment("a.ics", "text/calendar\nX: y", b"")]},
    ],
)
def test_header_injection_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadHeaderError):
        queue(**changes)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"to": "asha@example.org\nBcc: everyone@example.org"},
        {"to": "asha@example.org, ravi@example.org"},
        {"to": ""},
        {"kind": "nobody-registered-this"},
        {"transactional": False},
        {"subject": "x" * 256},
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        queue(**changes)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_mail_that_can_be_switched_off_cannot_pass_as_transactional(news: kinds.Kind) -> None:
    with pytest.raises(ValueError, match="must not be queued as transactional"):
        queue(kind=news.key)


@pytest.mark.django_db
def test_mail_of_a_member_goes_with_the_member(owner: User, member: User) -> None:
    queue(user=owner, attachments=[Attachment("a.ics", "text/calendar", b"x")])
    kept = queue(user=member, dedupe_key="note:2")
    owner.delete()
    assert list(OutboxMessage.objects.all()) == [kept]


def test_a_key_keeps_its_meaning() -> None:
    kinds.register(kinds.ACCOUNT)
    with pytest.raises(ValueError, match="already means something else"):
        kinds.register(kinds.Kind("account", "Other", "Another thing.", can_switch_off=True))


def letter(number: int, **changes: Any) -> Letter:
    """One of many notes, with a file."""
    fields: dict[str, Any] = {
        "to": f"reader{number}@example.org",
        "subject": "Hello",
        "context": {"name": "Asha"},
        "dedupe_key": f"many:{number}",
        "attachments": (Attachment("a.ics", "text/calendar", b"x"),),
    }
    return Letter(**{**fields, **changes})


@pytest.mark.django_db
def test_many_letters_are_queued_once_each_and_workers_told_of_the_new_ones(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        assert queue_letters(kind="account", template="mail/tests/note", letters=[letter(1), letter(2)]) == 2
    assert len(callbacks) == 2
    with django_capture_on_commit_callbacks() as callbacks:
        letters = [letter(2), letter(3), letter(3), letter(4, to="no address")]
        assert queue_letters(kind="account", template="mail/tests/note", letters=letters) == 1
    assert len(callbacks) == 1
    assert [one.attachments.count() for one in OutboxMessage.objects.order_by("pk")] == [1, 1, 1]


@pytest.mark.django_db
def test_letters_that_another_process_queued_meanwhile_are_left_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, first_time = services._draft, iter([True])

    def meanwhile(*args: Any) -> OutboxMessage:
        if next(first_time, False):
            queue(dedupe_key="many:1", subject="First")
        return real(*args)

    monkeypatch.setattr(services, "_draft", meanwhile)
    assert queue_letters(kind="account", template="mail/tests/note", letters=[letter(1), letter(2)]) == 1
    first, second = OutboxMessage.objects.order_by("dedupe_key")
    assert (first.subject, first.attachments.count()) == ("First", 0)
    assert second.attachments.count() == 1


@pytest.mark.django_db
def test_own_way_out_is_in_the_header_and_the_whole_kind_in_the_text(news: kinds.Kind) -> None:
    out = "https://example.org/out/"
    queue_letters(kind="news", template="mail/tests/plain", letters=[letter(1, unsubscribe_url=out)])
    mail = OutboxMessage.objects.get()
    assert mail.headers["List-Unsubscribe"] == f"<{out}>"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    with pytest.raises(BadHeaderError):
        queue_letters(kind="news", template="mail/tests/plain", letters=[letter(2, subject="a\nBcc: b")])
