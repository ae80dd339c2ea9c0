"""Talks on their way: offered, decided, withdrawn, put on a programme."""

import datetime as dt

import pytest

from events.models import AuditLog, Block, CoHost, Meetup, Session, Speaker, Talk, TalkSpeaker
from events.services import programme, talks
from events.services.speakers import (
    MAX_SPEAKERS,
    Named,
    SpeakerRefused,
    claim_speaker,
    decide_claim,
    leave_talk,
    set_speakers,
)
from events.services.talks import TalkRefused
from events.tests.factories import NOW, make_chapter, make_dated_meetup, make_meetup, make_organizer
from events.tests.talk_factories import make_session, make_speaker, make_talk
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
Status = Session.Status


def propose(user: User, chapter: object = None, **more: object) -> Session:
    """``user`` offers a talk to a chapter of its own unless one is given."""
    fields: dict[str, object] = {"title": "virtio in an hour", "abstract": "How.", "at": NOW} | more
    return talks.propose_talk(chapter=chapter or make_chapter(), user=user, **fields)  # type: ignore[arg-type]


def test_proposal_makes_the_members_page_once_and_names_the_others(member: User) -> None:
    known = make_speaker("Anil Vettathu")
    session = propose(
        member, affiliation="KVM India", others=[Named("anil vettathu", "Red Hat"), Named("New Person")]
    )
    assert session.status == Status.PROPOSED
    rows = list(session.talk.speaking.values_list("speaker__name", "affiliation"))
    assert rows == [("Ravi Member", "KVM India"), ("Anil Vettathu", "Red Hat"), ("New Person", "")]
    assert known.talks.get() == session.talk
    again = propose(member)
    assert Speaker.objects.filter(user=member).count() == 1
    assert again.talk.slug != session.talk.slug


def test_a_page_of_the_same_name_is_not_taken_for_the_members(member: User) -> None:
    somebody = make_speaker("Ravi Member")
    session = propose(member)
    assert session.talk.speakers.get().user == member
    assert not somebody.talks.exists()


def test_two_pages_of_one_name_make_a_third_instead_of_a_guess() -> None:
    make_speaker("Amit")
    make_speaker("Amit")
    talk = make_talk()
    set_speakers(talk=talk, named=[Named("Amit")])
    assert Speaker.objects.filter(name="Amit").count() == 3


@pytest.mark.parametrize("by", ["account", "address"])
def test_blocked_people_propose_nothing(member: User, by: str) -> None:
    chapter = make_chapter()
    Block.objects.create(
        chapter=chapter, **({"user": member} if by == "account" else {"email": member.email})
    )
    with pytest.raises(TalkRefused):
        propose(member, chapter)
    with pytest.raises(TalkRefused):
        talks.propose_again(talk=make_talk(proposed_by=member), chapter=chapter, user=member, at=NOW)
    assert not Session.objects.exists()
    propose(member)  # elsewhere


def test_archived_chapters_take_no_talks(member: User) -> None:
    with pytest.raises(TalkRefused):
        propose(member, make_chapter(status="archived"))


def test_open_proposals_of_one_member_are_bounded(member: User) -> None:
    chapter = make_chapter()
    first, *_ = [propose(member, chapter) for _ in range(talks.MAX_OPEN)]
    with pytest.raises(TalkRefused):
        propose(member, chapter)
    talks.withdraw_talk(session=first, user=member, at=NOW)
    propose(member, chapter)


def test_decision_is_the_organizers_and_is_mailed_with_its_reason(owner: User, member: User) -> None:
    session = propose(member)
    assert session.chapter
    with pytest.raises(TalkRefused):
        talks.decide_talk(session=session, actor=owner, is_taken=True, reason="", at=NOW)
    make_organizer(session.chapter, user=owner)
    talks.decide_talk(session=session, actor=owner, is_taken=True, reason="Bring the demo.", at=NOW)
    session.refresh_from_db()
    assert (session.status, session.decided_by, session.decided_at) == (Status.ACCEPTED, owner, NOW)
    mail = OutboxMessage.objects.get()
    assert mail.to_email == member.email
    assert "accepted your talk" in mail.subject
    assert "Bring the demo." in mail.text_body
    assert AuditLog.objects.get().act == "accept_talk"


def test_speakers_with_an_account_hear_of_the_decision_too(owner: User, member: User) -> None:
    speaker = make_user("speaker@example.org")
    talk = make_talk(make_speaker(user=speaker), make_speaker(), proposed_by=member)
    chapter = make_chapter()
    make_organizer(chapter, user=owner)
    session = make_session(chapter, talk=talk)
    talks.decide_talk(session=session, actor=owner, is_taken=False, reason="Too long.", at=NOW)
    assert set(OutboxMessage.objects.values_list("to_email", flat=True)) == {member.email, speaker.email}


def test_decision_is_taken_once(owner: User, member: User) -> None:
    session = propose(member)
    make_organizer(session.chapter, user=owner)  # type: ignore[arg-type]
    stale = Session.objects.get(pk=session.pk)
    talks.decide_talk(session=session, actor=owner, is_taken=True, reason="", at=NOW)
    with pytest.raises(TalkRefused):
        talks.decide_talk(session=stale, actor=owner, is_taken=True, reason="", at=NOW + HOUR)
    assert OutboxMessage.objects.count() == AuditLog.objects.count() == 1


def test_withdrawn_talk_is_not_accepted_behind_its_speakers_back(owner: User, member: User) -> None:
    session = propose(member)
    make_organizer(session.chapter, user=owner)  # type: ignore[arg-type]
    talks.withdraw_talk(session=session, user=member, at=NOW)
    with pytest.raises(TalkRefused):
        talks.decide_talk(session=session, actor=owner, is_taken=True, reason="", at=NOW)
    assert not OutboxMessage.objects.exists()


def test_declining_later_takes_the_talk_off_the_programme(owner: User, member: User) -> None:
    chapter = make_chapter()
    make_organizer(chapter, user=owner)
    meetup = make_dated_meetup(NOW + 24 * HOUR, chapter=chapter)
    session = make_session(chapter, meetup=meetup, status="accepted", starts_at=NOW + 24 * HOUR)
    talks.decide_talk(session=session, actor=owner, is_taken=False, reason="No room.", at=NOW)
    session.refresh_from_db()
    assert (session.status, session.meetup, session.starts_at) == (Status.DECLINED, None, None)


def test_a_talk_that_was_given_is_neither_withdrawn_nor_declined(owner: User, member: User) -> None:
    chapter = make_chapter()
    make_organizer(chapter, user=owner)
    over = make_dated_meetup(NOW - 24 * HOUR, chapter=chapter)
    session = make_session(chapter, meetup=over, talk=make_talk(proposed_by=member), status="accepted")
    with pytest.raises(TalkRefused):
        talks.withdraw_talk(session=session, user=member, at=NOW)
    with pytest.raises(TalkRefused):
        talks.decide_talk(session=session, actor=owner, is_taken=False, reason="No.", at=NOW)
    session.refresh_from_db()
    assert (session.status, session.meetup) == (Status.ACCEPTED, over)


def test_only_its_people_withdraw_a_talk(owner: User, member: User) -> None:
    session = propose(member)
    with pytest.raises(TalkRefused):
        talks.withdraw_talk(session=session, user=owner, at=NOW)
    session.refresh_from_db()
    assert session.status == Status.PROPOSED


def test_talk_is_given_again_as_the_same_talk(owner: User, member: User) -> None:
    first = propose(member, kind="workshop")
    pune = make_chapter("pune")
    second = talks.propose_again(talk=first.talk, chapter=pune, user=member, at=NOW)
    assert (second.talk, second.chapter, second.kind) == (first.talk, pune, "workshop")
    assert Talk.objects.count() == 1
    with pytest.raises(TalkRefused):
        talks.propose_again(talk=first.talk, chapter=pune, user=member, at=NOW)
    with pytest.raises(TalkRefused):
        talks.propose_again(talk=first.talk, chapter=make_chapter(), user=owner, at=NOW)


def on_programme(meetup: Meetup, number: int) -> list[Session]:
    """Accepted talks in their order on ``meetup``."""
    return [
        make_session(meetup.chapter, meetup=meetup, status="accepted", position=place)
        for place in range(1, number + 1)
    ]


def order(meetup: Meetup) -> list[int]:
    """Keys of the sessions of ``meetup`` in their order."""
    return list(Session.objects.filter(meetup=meetup).order_by("position").values_list("pk", flat=True))


def test_talk_is_put_last_and_moved_by_steps(owner: User) -> None:
    meetup = make_meetup()
    make_organizer(meetup.chapter, user=owner)
    one, two = on_programme(meetup, 2)
    three = make_session(meetup.chapter, status="accepted")
    programme.put_on_programme(meetup=meetup, session=three, actor=owner)
    assert order(meetup) == [one.pk, two.pk, three.pk]
    assert programme.move_on_programme(meetup=meetup, session=three, steps=-1, actor=owner) == 2
    assert order(meetup) == [one.pk, three.pk, two.pk]
    assert programme.move_on_programme(meetup=meetup, session=one, steps=-1, actor=owner) == 1
    assert programme.move_on_programme(meetup=meetup, session=one, steps=1, actor=owner) == 2
    assert order(meetup) == [three.pk, one.pk, two.pk]


def test_moving_mends_places_that_are_equal(owner: User) -> None:
    meetup = make_meetup()
    make_organizer(meetup.chapter, user=owner)
    one, two, three = on_programme(meetup, 3)
    Session.objects.update(position=0)
    programme.move_on_programme(meetup=meetup, session=one, steps=1, actor=owner)
    assert order(meetup) == [two.pk, one.pk, three.pk]


def test_only_accepted_talks_of_the_chapters_that_hold_it_come_on_a_programme(owner: User) -> None:
    meetup, other = make_meetup(), make_chapter()
    make_organizer(meetup.chapter, user=owner)
    proposed = make_session(meetup.chapter)
    elsewhere = make_session(other, status="accepted")
    taken = make_session(meetup.chapter, status="accepted", meetup=make_meetup(meetup.chapter))
    for session in (proposed, elsewhere, taken):
        with pytest.raises(TalkRefused):
            programme.put_on_programme(meetup=meetup, session=session, actor=owner)
    assert order(meetup) == []
    CoHost.objects.create(meetup=meetup, chapter=other, status="accepted")
    programme.put_on_programme(meetup=meetup, session=elsewhere, actor=owner)
    assert order(meetup) == [elsewhere.pk]


def test_cancelled_meetups_get_no_talks(owner: User) -> None:
    meetup = make_meetup(status="cancelled")
    make_organizer(meetup.chapter, user=owner)
    with pytest.raises(TalkRefused):
        programme.put_on_programme(
            meetup=meetup, session=make_session(meetup.chapter, status="accepted"), actor=owner
        )


def test_programme_is_changed_by_organizers_of_the_meetup_alone(owner: User, member: User) -> None:
    meetup = make_meetup()
    make_organizer(meetup.chapter, user=member, role="check_in")
    [one] = on_programme(meetup, 1)
    waiting = make_session(meetup.chapter, status="accepted")
    for actor in (owner, member):
        with pytest.raises(TalkRefused):
            programme.put_on_programme(meetup=meetup, session=waiting, actor=actor)
        with pytest.raises(TalkRefused):
            programme.take_off_programme(meetup=meetup, session=one, actor=actor)
        with pytest.raises(TalkRefused):
            programme.move_on_programme(meetup=meetup, session=one, steps=1, actor=actor)
        with pytest.raises(TalkRefused):
            programme.set_times(meetup=meetup, session=one, starts_at=NOW, ends_at=None, actor=actor)
    assert order(meetup) == [one.pk]
    assert not AuditLog.objects.exists()


@pytest.mark.parametrize(
    ("start", "end", "warning"),
    [
        (0, 1, ""),
        (1, 3, ""),
        (-1, 1, "outside the time of the meetup"),
        (2, 4, "outside the time of the meetup"),
        (0.5, 1.5, ""),
        (4, None, "outside the time of the meetup"),
        (None, None, ""),
    ],
)
def test_times_outside_the_meetup_are_kept_with_a_warning(
    owner: User, start: float | None, end: float | None, warning: str
) -> None:
    meetup = make_dated_meetup(NOW, hours=3)
    make_organizer(meetup.chapter, user=owner)
    [session] = on_programme(meetup, 1)
    starts_at = None if start is None else NOW + start * HOUR
    ends_at = None if end is None else NOW + end * HOUR
    said = programme.set_times(
        meetup=meetup, session=session, starts_at=starts_at, ends_at=ends_at, actor=owner
    )
    assert warning in said
    assert bool(said) is bool(warning)
    session.refresh_from_db()
    assert (session.starts_at, session.ends_at) == (starts_at, ends_at)


def test_two_talks_at_the_same_time_are_warned_of(owner: User) -> None:
    meetup = make_dated_meetup(NOW, hours=3)
    make_organizer(meetup.chapter, user=owner)
    one, two = on_programme(meetup, 2)
    programme.set_times(meetup=meetup, session=one, starts_at=NOW, ends_at=NOW + HOUR, actor=owner)

    def at(start: dt.datetime, end: dt.datetime | None) -> str:
        return programme.set_times(meetup=meetup, session=two, starts_at=start, ends_at=end, actor=owner)

    assert "same time" in at(NOW + HOUR / 2, NOW + HOUR)
    assert "same time" in at(NOW + HOUR / 2, None)
    assert at(NOW + HOUR, NOW + 2 * HOUR) == ""


def test_programme_of_a_meetup_without_a_time_says_so(owner: User) -> None:
    meetup = make_meetup()
    make_organizer(meetup.chapter, user=owner)
    [session] = on_programme(meetup, 1)
    said = programme.set_times(meetup=meetup, session=session, starts_at=NOW, ends_at=None, actor=owner)
    assert "no time yet" in said


def test_talk_is_changed_by_its_people_and_by_those_who_took_it_on(owner: User, member: User) -> None:
    session = propose(member)
    organizer, decliner = make_user(), make_user()
    make_organizer(session.chapter, user=organizer)  # type: ignore[arg-type]
    elsewhere = make_chapter()
    make_organizer(elsewhere, user=decliner)
    make_session(elsewhere, talk=session.talk, status="declined")

    def change(actor: User) -> None:
        talks.change_talk(
            talk=session.talk, actor=actor, title="New", abstract="", topic="", named=[Named("Ravi Member")]
        )

    for actor in (owner, organizer, decliner):
        with pytest.raises(TalkRefused):
            change(actor)
    change(member)
    Session.objects.filter(pk=session.pk).update(status="accepted")
    change(organizer)
    with pytest.raises(TalkRefused):
        change(decliner)
    assert AuditLog.objects.get().act == "change_talk"


def test_changing_a_talk_keeps_whose_page_is_whose(member: User) -> None:
    session = propose(member)
    make_speaker("Ravi Member")
    talks.change_talk(
        talk=session.talk,
        actor=member,
        title="New",
        abstract="",
        topic="",
        named=[Named("Second"), Named("Ravi Member", "Elsewhere")],
    )
    rows = list(session.talk.speaking.values_list("speaker__name", "speaker__user", "affiliation"))
    assert rows == [("Second", None, ""), ("Ravi Member", member.pk, "Elsewhere")]


def test_a_speaker_takes_their_name_off_a_talk(owner: User, member: User) -> None:
    talk = make_talk(make_speaker(user=member), make_speaker())
    assert not leave_talk(talk=talk, user=owner)
    assert leave_talk(talk=talk, user=member)
    assert talk.speaking.count() == 1


def test_claim_is_decided_by_somebody_else_who_may(owner: User, member: User) -> None:
    speaker, chapter = make_speaker("Ravi"), make_chapter()
    make_organizer(chapter, user=owner)
    claim = claim_speaker(speaker=speaker, user=member, text="It is me.")
    assert claim_speaker(speaker=speaker, user=member, text="Again.") == claim
    with pytest.raises(SpeakerRefused):
        decide_claim(claim=claim, actor=owner, is_right=True, at=NOW)  # knows nothing of this speaker
    make_session(chapter, speaker, status="accepted")
    User.objects.filter(pk=member.pk).update(is_staff=True)
    with pytest.raises(SpeakerRefused):
        decide_claim(claim=claim, actor=User.objects.get(pk=member.pk), is_right=True, at=NOW)
    decide_claim(claim=claim, actor=owner, is_right=True, at=NOW)
    speaker.refresh_from_db()
    assert speaker.user == member
    with pytest.raises(SpeakerRefused):
        decide_claim(claim=claim, actor=owner, is_right=False, at=NOW)


def test_accepted_claim_merges_the_page_that_the_member_has(owner: User, member: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    owner.refresh_from_db()
    known, own = make_speaker("Ravi M"), make_speaker("Ravi Member", user=member)
    shared, old, new = make_talk(known, own), make_talk(known), make_talk(own)
    claim = claim_speaker(speaker=known, user=member, text="It is me.")
    decide_claim(claim=claim, actor=owner, is_right=True, at=NOW)
    assert Speaker.objects.get(user=member) == known
    assert set(known.talks.all()) == {shared, old, new}
    assert TalkSpeaker.objects.filter(talk=shared).count() == 1


def test_declined_claim_changes_nothing_and_may_be_made_again(owner: User, member: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    owner.refresh_from_db()
    speaker = make_speaker()
    claim = claim_speaker(speaker=speaker, user=member, text="It is me.")
    decide_claim(claim=claim, actor=owner, is_right=False, at=NOW)
    speaker.refresh_from_db()
    assert speaker.user is None
    assert claim_speaker(speaker=speaker, user=member, text="Really.") != claim


def test_a_page_that_is_somebodys_cannot_be_claimed(owner: User, member: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    owner.refresh_from_db()
    speaker, third = make_speaker(), make_user()
    first = claim_speaker(speaker=speaker, user=member, text="It is me.")
    second = claim_speaker(speaker=speaker, user=third, text="No, me.")
    decide_claim(claim=first, actor=owner, is_right=True, at=NOW)
    with pytest.raises(SpeakerRefused):
        decide_claim(claim=second, actor=owner, is_right=True, at=NOW)
    second.refresh_from_db()
    assert second.status == "declined"
    with pytest.raises(SpeakerRefused):
        claim_speaker(speaker=speaker, user=owner, text="Me?")


def test_number_of_speakers_is_bounded_by_the_form() -> None:
    from events.forms.talks import SpeakersField

    field = SpeakersField(required=False)
    assert field.clean(" A , B, C \n\n a\nD") == [Named("A", "B, C"), Named("D", "")]
    with pytest.raises(Exception, match="At most"):
        field.clean("\n".join(f"Person {n}" for n in range(MAX_SPEAKERS + 1)))
