"""Shapes of what people send about talks."""

from typing import Any

from django import forms
from django.forms.models import BaseInlineFormSet, inlineformset_factory

from events.models import Chapter, Resource, Session, Talk
from events.services.speakers import MAX_SPEAKERS, Named

_SPEAKERS_HELP = "One person a line: the name, then, if you like, a comma and where they work."


class SpeakersField(forms.CharField):
    """People, one a line: a name, and after a comma the affiliation."""

    widget = forms.Textarea(attrs={"rows": 3})

    def clean(self, value: Any) -> Any:
        """The lines as :class:`Named`; the same name twice counts once."""
        named: dict[str, Named] = {}
        for line in str(super().clean(value)).splitlines():
            name, _, affiliation = (part.strip() for part in line.partition(","))
            if not name:
                continue
            if len(name) > 80 or len(affiliation) > 120:
                raise forms.ValidationError("A name has at most 80 characters, where they work at most 120.")
            named.setdefault(name.casefold(), Named(name, affiliation))
        if len(named) > MAX_SPEAKERS:
            raise forms.ValidationError(f"At most {MAX_SPEAKERS} people can be named.")
        return list(named.values())


class _TalkForm(forms.Form):
    title = forms.CharField(max_length=160)
    abstract = forms.CharField(
        max_length=5000,
        widget=forms.Textarea,
        help_text="What people will know afterwards. Plain text; an empty line starts a paragraph.",
    )
    topic = forms.CharField(
        max_length=60, required=False, help_text="In a word or two: migration, block layer."
    )


class ProposalForm(_TalkForm):
    """A new talk for a chapter."""

    kind = forms.ChoiceField(choices=Session.Kind.choices)
    affiliation = forms.CharField(
        label="Where you work", max_length=120, required=False, help_text="Shown beside your name."
    )
    others = SpeakersField(label="Who else speaks", required=False, help_text=_SPEAKERS_HELP)
    note = forms.CharField(
        label="For the organizers",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="When you could come, what you need. Nobody else reads it.",
    )


class ProposeAgainForm(forms.Form):
    """A talk that exists, for another chapter."""

    chapter = forms.ModelChoiceField(queryset=Chapter.objects.none(), to_field_name="slug")
    note = forms.CharField(
        label="For the organizers", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chapter = self.fields["chapter"]
        assert isinstance(chapter, forms.ModelChoiceField)
        chapter.queryset = Chapter.objects.listed().order_by("city")


class TalkForm(_TalkForm):
    """A talk as it is changed later; past ones may lack an abstract or speakers."""

    named = SpeakersField(label="Speakers", required=False, help_text=_SPEAKERS_HELP)

    def __init__(self, data: Any = None, *, talk: Talk) -> None:
        people = [f"{by.speaker.name}, {by.affiliation}".rstrip(", ") for by in talk.speaking.all()]
        initial = {"title": talk.title, "abstract": talk.abstract, "topic": talk.topic}
        super().__init__(data, initial=initial | {"named": "\n".join(people)})
        self.fields["abstract"].required = False


class DecisionForm(forms.Form):
    """An organizer's answer to a proposal."""

    decision = forms.ChoiceField(choices=[("accept", "Accept"), ("decline", "Decline")])
    reason = forms.CharField(max_length=2000, required=False)

    def clean(self) -> dict[str, Any]:
        """A refusal says why."""
        given = super().clean() or {}
        if given.get("decision") == "decline" and not given.get("reason"):
            self.add_error("reason", "Say why you decline it: the speaker reads it.")
        return given


class TimesForm(forms.Form):
    """From when to when, on the wall clock of the zone that is active while the form is used."""

    _widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    starts_at = forms.DateTimeField(label="From", required=False, widget=_widget)
    ends_at = forms.DateTimeField(label="To", required=False, widget=_widget)

    def clean(self) -> dict[str, Any]:
        """An end needs a start before it."""
        given = super().clean() or {}
        start, end = given.get("starts_at"), given.get("ends_at")
        if end and not start and "starts_at" not in self.errors:
            self.add_error("starts_at", "An end needs a start.")
        if start and end and end <= start:
            self.add_error("ends_at", "It has to end after it starts.")
        return given


class MoveForm(forms.Form):
    """One place up or down."""

    steps = forms.TypedChoiceField(choices=[("-1", "up"), ("1", "down")], coerce=int)


class _ResourceForm(forms.ModelForm[Resource]):
    url = forms.URLField(
        label="Address",
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text="Leave it empty where no copy is known.",
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Resource
        fields = ["kind", "url", "condition", "note"]


ResourceFormSet: type[BaseInlineFormSet[Resource, Talk, Any]] = inlineformset_factory(
    Talk, Resource, form=_ResourceForm, extra=1, max_num=12, validate_max=True
)
