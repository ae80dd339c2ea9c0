"""What a reader says of an article."""

from django import forms


class WorkedForm(forms.Form):
    """Whether it worked, with which versions, and what happened."""

    worked = forms.ChoiceField(
        label="Did it work as written?",
        choices=[("yes", "It worked"), ("no", "It failed")],
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether it worked."},
    )
    versions = forms.CharField(
        label="With which versions",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"list": "versions-known"}),
        help_text="Such as QEMU 10.0, libvirt 11.3. May stay empty.",
    )
    reason = forms.CharField(
        label="What happened",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The step, and what it said. Whoever keeps the article reads it: leave out names and addresses.",
    )
