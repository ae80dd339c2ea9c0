"""Shapes of reporting a problem, handling it, and blocking somebody."""

from typing import Any

from django import forms

from events.models import Chapter, ChapterMembership, Meetup, ProblemReport


class ReportForm(forms.Form):
    """What happened; who wrote it only if they want."""

    text = forms.CharField(
        label="What happened",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="In your own words: what, where, when. You need no proof.",
    )
    meetup = forms.ModelChoiceField(
        queryset=Meetup.objects.none(),
        to_field_name="slug",
        required=False,
        empty_label="None in particular",
        help_text="Where it was, if it was at one.",
    )
    contact = forms.EmailField(
        label="E-mail address for an answer",
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="Empty: nobody can ask back, and nothing says who you are.",
    )
    names_me = forms.BooleanField(
        label="Say that it comes from my account",
        required=False,
        help_text="Otherwise your account is not kept with it.",
    )
    kept_from = forms.MultipleChoiceField(
        label="It is about somebody who would read it",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Whom you tick does not see it, and hears nothing of it.",
    )

    def __init__(
        self,
        *args: Any,
        chapter: Chapter,
        named: list[ChapterMembership],
        is_member: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        meetup = self.fields["meetup"]
        assert isinstance(meetup, forms.ModelChoiceField)
        shown = Meetup.objects.visible_to(None).filter(chapter=chapter, starts_at__isnull=False)
        meetup.queryset = shown.order_by("-starts_at")
        meetup.choices = [
            ("", "None in particular"),
            *((one.slug, one.title) for one in meetup.queryset[:30]),
        ]
        if not is_member:
            del self.fields["names_me"]
        people = [(str(one.user.pk), one.user.name) for one in named if one.user]
        if not people:
            del self.fields["kept_from"]
            return
        kept_from = self.fields["kept_from"]
        assert isinstance(kept_from, forms.MultipleChoiceField)
        kept_from.choices = people


class HandleForm(forms.ModelForm[ProblemReport]):
    """Where a report stands and what was done."""

    class Meta:
        model = ProblemReport
        fields = ["status", "notes"]
        widgets = {"notes": forms.Textarea(attrs={"rows": 5})}
        help_texts = {"notes": "For those who handle it: whom you talked to, what was decided, and when."}


class BlockForm(forms.Form):
    """Somebody to keep out, by the address that they use."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        required=False,
        help_text="Also keeps out the account that has confirmed it. You are not told whether there is one.",
    )
    rsvp = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=500, required=False, help_text="For the chapter’s organizers; nobody else reads it."
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not given.get("email") and not given.get("rsvp") and not self.errors:
            self.add_error("email", "Say whom.")
        return given
