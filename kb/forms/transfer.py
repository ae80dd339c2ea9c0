"""A zip of articles that a reviewer brings back."""

from django import forms


class ImportForm(forms.Form):
    """The file, and whether to look only."""

    file = forms.FileField(
        label="Zip of articles",
        help_text="As this portal exported it, with your changes. 20 MB at most.",
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
    )
    is_trial = forms.BooleanField(
        label="Only show what would happen", required=False, initial=True, help_text="Nothing is changed."
    )
