"""What people may send to the lab's pages."""

from django import forms

from labtools.models import ImageCheck


class VisibilityForm(forms.Form):
    """Who may see a report."""

    visibility = forms.ChoiceField(choices=ImageCheck.Visibility.choices)
