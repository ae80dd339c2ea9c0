"""The shape of a trip report."""

from typing import Any

from django import forms

from events.models import Session, TripReport

MAX_ENTRY = 10_000


class TripReportForm(forms.Form):
    """A report with a field for each session of the schedule; one is picked by writing about it."""

    title = forms.CharField(max_length=160)
    introduction = forms.CharField(
        max_length=20_000,
        required=False,
        widget=forms.Textarea,
        help_text="How it was. Plain text; an empty line starts a paragraph.",
    )

    def __init__(
        self, data: Any = None, *, sessions: list[Session], report: TripReport | None = None, title: str = ""
    ) -> None:
        initial = {"title": report.title if report else title}
        initial["introduction"] = report.introduction if report else ""
        if report:
            initial |= {f"entry_{one.session_id}": one.text for one in report.entries.all()}
        super().__init__(data, initial=initial)
        self._sessions = sessions
        for session in sessions:
            self.fields[f"entry_{session.pk}"] = forms.CharField(
                label="What you bring home from it",
                required=False,
                max_length=MAX_ENTRY,
                widget=forms.Textarea(attrs={"rows": 4}),
            )

    def texts(self) -> dict[int, str]:
        """What was written about each session, by its key."""
        return {session.pk: self.cleaned_data[f"entry_{session.pk}"] for session in self._sessions}
