"""One attempt at one mail, whatever the server answers; the server here is a script."""

import smtplib
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import Message
from typing import Any, ClassVar

import pytest
import time_machine
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from portal.mail import delivery
from portal.mail.models import OutboxMessage
from portal.mail.services import Attachment
from portal.mail.tasks import send_due
from portal.mail.tests.test_services import queue

State = OutboxMessage.State
pytestmark = pytest.mark.django_db


class ScriptedServer(BaseEmailBackend):
    """Takes mail, unless ``answer`` raises; ``said`` keeps what happened in order."""

    answer: ClassVar[Callable[[], object]] = staticmethod(lambda: None)
    said: ClassVar[list[str]] = []
    taken: ClassVar[list[Message]] = []

    def open(self) -> bool:
        self.said.append("hello")
        return True

    def send_messages(self, email_messages: Any) -> int:
        type(self).answer()
        self.taken.extend(mail.message() for mail in email_messages)
        return len(email_messages)

    def close(self) -> None:
        self.said.append(f"goodbye while {OutboxMessage.objects.earliest('pk').state}")
        raise smtplib.SMTPServerDisconnected("gone already")


@pytest.fixture(autouse=True)
def server(settings: Any) -> Iterator[type[ScriptedServer]]:
    settings.MAILBOX_PAGE = False
    settings.EMAIL_BACKEND = f"{__name__}.ScriptedServer"
    ScriptedServer.said.clear()
    ScriptedServer.taken.clear()
    yield ScriptedServer
    ScriptedServer.answer = staticmethod(lambda: None)


def _answer(error: Exception) -> None:
    def answer() -> None:
        raise error

    ScriptedServer.answer = staticmethod(answer)


@pytest.fixture
def mail() -> OutboxMessage:
    message = queue()
    assert message is not None
    return message


def test_mail_counts_as_sent_before_the_goodbye(mail: OutboxMessage) -> None:
    assert delivery.deliver(mail.pk) == State.SENT
    assert ScriptedServer.said == ["hello", "goodbye while sent"]
    mail.refresh_from_db()
    assert (mail.attempts, mail.claimed_at, mail.last_error) == (1, None, "")
    assert mail.sent_at is not None
    assert ScriptedServer.taken[0]["Message-ID"] == mail.message_id


def test_sent_mail_is_not_sent_again(mail: OutboxMessage) -> None:
    delivery.deliver(mail.pk)
    assert delivery.deliver(mail.pk) is None
    assert delivery.deliver(10**6) is None
    assert len(ScriptedServer.taken) == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "could not be reached: Connection refused."),
        (TimeoutError("timed out"), "did not answer in time"),
        (smtplib.SMTPServerDisconnected("gone"), "closed the connection"),
        (smtplib.SMTPRecipientsRefused({"a": (451, b"greylisted")}), "answered 451 greylisted"),
        (smtplib.SMTPDataError(452, b"disk full"), "answered 452 disk full"),
        # A refused sender or password is our mistake: it is mended in the settings, and the mail then goes out.
        (smtplib.SMTPSenderRefused(550, b"who are you", "portal@localhost"), "answered 550 who are you"),
        (smtplib.SMTPAuthenticationError(535, b"bad password"), "answered 535 bad password"),
        (ZeroDivisionError("a bug"), "unexpected error"),
    ],
)
def test_trouble_that_may_pass_is_tried_again_later(
    mail: OutboxMessage, error: Exception, sentence: str
) -> None:
    _answer(error)
    with time_machine.travel(timezone.now(), tick=False):
        assert delivery.deliver(mail.pk) == State.QUEUED
        mail.refresh_from_db()
        assert sentence in mail.last_error
        assert timedelta(seconds=24) <= mail.next_attempt_at - timezone.now() <= timedelta(seconds=36)
    ScriptedServer.answer = staticmethod(lambda: None)
    assert delivery.deliver(mail.pk) == State.SENT
    assert ScriptedServer.taken[0]["Message-ID"] == mail.message_id


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            smtplib.SMTPRecipientsRefused({"a": (550, b"no such user")}),
            "The server refused the recipient: 550 no such user",
        ),
        (smtplib.SMTPDataError(554, b"spam"), "The server refused the message: 554 spam"),
    ],
)
def test_final_refusal_fails_with_a_sentence(mail: OutboxMessage, error: Exception, sentence: str) -> None:
    _answer(error)
    assert delivery.deliver(mail.pk) == State.FAILED
    mail.refresh_from_db()
    assert (mail.last_error, mail.claimed_at) == (sentence, None)
    assert delivery.deliver(mail.pk) is None


def test_unreachable_server_is_tried_for_more_than_three_days_and_not_for_ever(mail: OutboxMessage) -> None:
    _answer(ConnectionRefusedError(111, "Connection refused"))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        start = timezone.now()
        for _ in range(300):
            if delivery.deliver(mail.pk) == State.FAILED:
                break
            mail.refresh_from_db()
            clock.move_to(mail.next_attempt_at)
        mail.refresh_from_db()
        assert mail.state == State.FAILED
        assert timedelta(days=4) < timezone.now() - start < timedelta(days=5)
        assert mail.last_error.startswith(f"Given up after {mail.attempts} attempts. The server could not")
        assert mail.attempts < 160  # at most about one an hour, after the first hour


def test_waits_double_up_to_an_hour_and_spread(settings: Any) -> None:
    settings.MAIL_RETRY_SECONDS = 10
    for attempts, seconds in [(1, 10), (2, 20), (5, 160), (20, 3600), (10_000, 3600)]:
        waits = [delivery.wait_after(attempts).total_seconds() for _ in range(50)]
        assert seconds * 0.8 <= min(waits) < max(waits) <= seconds * 1.2


def test_claim_of_a_dead_worker_is_taken_back_and_its_late_news_ignored(
    mail: OutboxMessage, settings: Any
) -> None:
    def die() -> None:
        raise SystemExit

    ScriptedServer.answer = staticmethod(die)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        with pytest.raises(SystemExit):
            delivery.deliver(mail.pk)
        assert delivery.take_back_abandoned() == 0
        late = OutboxMessage.objects.get()
        clock.shift(settings.MAIL_STUCK_SECONDS + 1)
        assert delivery.take_back_abandoned() == 1
        assert OutboxMessage.objects.get().state == State.QUEUED
        assert delivery.lease_due() == [mail.pk]
        with pytest.raises(SystemExit):
            delivery.deliver(mail.pk)  # a second worker holds it now
        delivery._fail(late, "The first worker's news.")
        delivery._try_later(late, "The first worker's news.")
        assert OutboxMessage.objects.get().state == State.SENDING
        delivery._mark_sent(late)  # but if it did send the mail, then the mail is sent
        assert OutboxMessage.objects.get().state == State.SENT


def test_mail_that_kills_every_worker_comes_to_an_end(mail: OutboxMessage, settings: Any) -> None:
    OutboxMessage.objects.update(state=State.SENDING, claimed_at=timezone.now())
    with time_machine.travel(mail.give_up_at + timedelta(hours=1), tick=False):
        delivery.take_back_abandoned()
    mail.refresh_from_db()
    assert mail.state == State.FAILED
    assert "stopped" in mail.last_error


def test_a_round_hands_out_what_is_due_once(
    mail: OutboxMessage, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[int] = []
    monkeypatch.setattr(
        "portal.mail.tasks.deliver_message.apply_async", lambda args, **_: handed.append(*args)
    )
    queue(dedupe_key="note:2")
    OutboxMessage.objects.filter(dedupe_key="note:2").update(state=State.SENT, sent_at=timezone.now())
    send_due()
    assert handed == []  # young: the message that went out on commit is on its way
    with time_machine.travel(timezone.now(), tick=False) as clock:
        clock.shift(settings.MAIL_DUE_SECONDS + 1)
        send_due()
        send_due()
        assert handed == [mail.pk]
        clock.shift(settings.MAIL_DUE_SECONDS * 10 + 1)
        send_due()
        assert handed == [mail.pk, mail.pk]


def test_old_bodies_are_erased_and_the_event_stays_known(
    mail: OutboxMessage, owner: Any, settings: Any
) -> None:
    of_member = queue(
        dedupe_key="note:2", user=owner, attachments=[Attachment("a.ics", "text/calendar", b"x")]
    )
    assert of_member is not None
    with time_machine.travel(timezone.now() + timedelta(days=settings.MAIL_KEEP_DAYS, hours=1), tick=False):
        assert delivery.erase_old() == 0  # nothing that still has to be sent
        delivery.deliver(mail.pk)
        OutboxMessage.objects.filter(pk=of_member.pk).update(state=State.FAILED)
        assert delivery.erase_old() == 2
        assert delivery.erase_old() == 0
    mail.refresh_from_db()
    of_member.refresh_from_db()
    assert (mail.to_email, mail.text_body, mail.html_body, mail.subject) == ("", "", "", "(erased)")
    assert (of_member.to_email, of_member.text_body) == ("asha@example.org", "")
    assert not of_member.attachments.exists()
    assert queue() == mail
    assert delivery.send_again(OutboxMessage.objects.all()) == []


def test_send_again_starts_anew_under_a_new_message_id(mail: OutboxMessage) -> None:
    delivery.deliver(mail.pk)
    waiting = queue(dedupe_key="note:2")
    assert delivery.send_again(OutboxMessage.objects.all()) == [mail.pk]
    again = OutboxMessage.objects.get(pk=mail.pk)
    assert (again.state, again.attempts) == (State.QUEUED, 0)
    assert again.message_id != mail.message_id
    assert waiting is not None
    assert delivery.deliver(mail.pk) == State.SENT


def test_mailbox_takes_the_place_of_the_server(mail: OutboxMessage, settings: Any) -> None:
    settings.MAILBOX_PAGE = True
    assert delivery.deliver(mail.pk) == State.SENT
    assert ScriptedServer.said == []


def test_calendar_attachment_keeps_its_parameters() -> None:
    invitation = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    message = queue(
        attachments=[Attachment("meetup.ics", "text/calendar; method=REQUEST; charset=utf-8", invitation)]
    )
    assert message is not None
    delivery.deliver(message.pk)
    part = list(ScriptedServer.taken[0].walk())[-1]
    assert part.get_content_type() == "text/calendar"
    assert part.get_param("method") == "REQUEST"
    assert part.get_filename() == "meetup.ics"
    assert part.get_payload(decode=True) == invitation
