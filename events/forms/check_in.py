"""Forms of the page at the door."""

from typing import Any

from django import forms
from pydantic import AwareDatetime, BaseModel, Field

from events.services.check_in import MOST_ACTS, Act


class WalkInForm(forms.Form):
    """Somebody at the door who is not on the list."""

    name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="Only if they want to hear of this meetup.",
    )
    over = forms.BooleanField(label="Let them in although all seats are taken", required=False)

    def __init__(self, *args: Any, can_go_over: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not can_go_over:
            del self.fields["over"]


class SentAct(BaseModel):
    """One act as the page's script sends it."""

    key: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    what: str = Field(pattern=r"^(in|undo)$")
    at: AwareDatetime
    pk: int | None = Field(default=None, ge=1, lt=2**63)
    code: str = Field(default="", max_length=20)

    def act(self) -> Act:
        """As services know it."""
        return Act(key=self.key, what=self.what, at=self.at, rsvp_pk=self.pk, code=self.code)


class SentActs(BaseModel):
    """What one request of the script brings."""

    acts: list[SentAct] = Field(default=[], max_length=MOST_ACTS)
