"""The form by which somebody signs up to a meetup, with the questions that it asks."""

from collections.abc import Iterable
from typing import Any

from django import forms

from events.models import Meetup, Question, Rsvp

_YES_NO = [("yes", "Yes"), ("no", "No")]


class RsvpForm(forms.Form):
    """Guests, answers and choices; for somebody without an account also a name and an address."""

    use_required_attribute = False  # one form has two buttons, and “maybe” needs no answers

    wanted = forms.ChoiceField(
        choices=[("going", "Going"), ("maybe", "Maybe")], required=False, widget=forms.HiddenInput
    )

    def __init__(
        self,
        *args: Any,
        meetup: Meetup,
        questions: Iterable[Question],
        rsvp: Rsvp | None = None,
        by_mail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.questions = list(questions)
        if by_mail:
            self._ask_who()
        most = max(meetup.guests_allowed, rsvp.guests if rsvp else 0)
        if most:
            self._ask_guests(most, rsvp)
        given = dict(rsvp.answers.values_list("question", "text")) if rsvp and self.questions else {}
        # Whoever is only interested need not answer yet.
        comes = self.data.get("wanted", "going") == "going"
        for question in self.questions:
            self.fields[f"question_{question.pk}"] = _field(
                question, given.get(question.pk, ""), is_required=question.is_required and comes
            )
        self.fields["hides_name"] = forms.BooleanField(
            label="Hide my name from other members",
            help_text="Organizers still see it.",
            required=False,
            initial=bool(rsvp and rsvp.hides_name),
        )
        self.fields["sponsor_consent"] = forms.BooleanField(
            label="Sponsors of this meetup may be given my name and address",
            required=False,
            initial=bool(rsvp and rsvp.sponsor_consent),
        )

    def _ask_who(self) -> None:
        self.fields["name"] = forms.CharField(
            label="Your name",
            max_length=80,
            help_text="For the organizers, and for members who look who comes.",
            widget=forms.TextInput(attrs={"autocomplete": "name"}),
        )
        self.fields["email"] = forms.EmailField(
            label="E-mail address",
            max_length=254,
            help_text="A mail with a link goes there; your sign-up counts once you have pressed its button.",
            widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        )

    def _ask_guests(self, most: int, rsvp: Rsvp | None) -> None:
        self.fields["guests"] = forms.IntegerField(
            label="Guests you bring",
            help_text=f"Up to {most}. Each takes a seat.",
            min_value=0,
            max_value=most,
            required=False,
            initial=rsvp.guests if rsvp else 0,
            widget=forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"}),
        )

    @property
    def asked(self) -> dict[str, Any]:
        """The form as ``join_meetup`` takes it."""
        data = self.cleaned_data
        return {
            "wanted": data.get("wanted") or "going",
            "guests": data.get("guests") or 0,
            "answers": {one.pk: data.get(f"question_{one.pk}") or "" for one in self.questions},
            "hides_name": data["hides_name"],
            "sponsor_consent": data["sponsor_consent"],
        }


def _field(question: Question, given: str, *, is_required: bool) -> forms.Field:
    common: dict[str, Any] = {
        "label": question.text,
        "required": is_required,
        "initial": given,
        "error_messages": {"required": "Please answer this question."},
    }
    if question.kind == Question.Kind.TEXT:
        return forms.CharField(max_length=500, **common)
    yes_no = question.kind == Question.Kind.YES_NO
    choices = _YES_NO if yes_no else [(str(text), str(text)) for text in question.choices]
    return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
