"""Which texts are compared, and why an older one comes back."""

from django import forms


class CompareForm(forms.Form):
    """Two revisions of one article: ``a`` before, ``b`` after. Sent by GET."""

    a = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    b = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class RevertForm(forms.Form):
    """Bringing an older text back; ``seen`` is the revision that readers had when it was asked for."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**62)
    reason = forms.CharField(
        label="Why", max_length=120, help_text="Stands in the article’s history for everybody."
    )
