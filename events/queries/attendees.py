"""Who comes to a meetup, as its organizers read it."""

from collections.abc import Iterator

from django.db.models import Prefetch, Q, QuerySet

from events.models import Answer, Meetup, Question, Rsvp


def attendees(meetup: Meetup, *, words: str = "", status: str = "") -> QuerySet[Rsvp]:
    """Sign-ups of ``meetup``, those who come first, with their answers.

    ``words`` narrows by a part of the name, by the code, or by a whole e-mail address: a part of one would let
    organizers guess addresses that they need not know.
    """
    found = meetup.rsvps.select_related("user")
    if status:
        found = found.filter(status=status)
    if words := words.strip():
        found = found.filter(
            Q(user__display_name__icontains=words)
            | Q(name__icontains=words)
            | Q(code__iexact=words)
            | Q(email__iexact=words)
            | Q(user__email__iexact=words)
        )
    answers = Prefetch("answers", Answer.objects.select_related("question"))
    return found.order_by("status", "queued_at", "pk").prefetch_related(answers)


def attendee_table(meetup: Meetup) -> Iterator[list[str]]:
    """Everybody who signed up, for the door: no e-mail addresses; the portal writes to them."""
    questions = list(Question.objects.filter(meetup=meetup))
    yield ["Name", "Answer", "Guests", "Code", "Checked in", *(question.text for question in questions)]
    for rsvp in attendees(meetup).exclude(status=Rsvp.Status.UNCONFIRMED).iterator(chunk_size=500):
        given = {answer.question_id: answer.text for answer in rsvp.answers.all()}
        yield [
            rsvp.shown_name,
            rsvp.get_status_display(),
            str(rsvp.guests),
            rsvp.code,
            "yes" if rsvp.checked_in_at else "no",
            *(given.get(question.pk, "") for question in questions),
        ]


def sponsor_table(meetup: Meetup) -> Iterator[list[str]]:
    """Names and addresses of those who come and agreed that sponsors get them; nobody else."""
    yield ["Name", "E-mail address"]
    agreed = meetup.rsvps.filter(sponsor_consent=True, status=Rsvp.Status.GOING).select_related("user")
    for rsvp in agreed.order_by("pk").iterator(chunk_size=500):
        yield [rsvp.shown_name, rsvp.address]
