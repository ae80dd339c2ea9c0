"""What /styleguide/ shows: forms and values that exist for the sake of their looks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.utils import timezone

CITIES = [("bangalore", "Bangalore"), ("pune", "Pune"), ("aurangabad", "Aurangabad")]


class ExampleForm(forms.Form):
    """One field of every kind that the portal uses."""

    is_example = True  # its summary of errors stands in the middle of a page and must not take the focus
    title = forms.CharField(
        label="Title", help_text="What the talk is about, in a few words.", max_length=120
    )
    email = forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"}), required=False
    )
    password = forms.CharField(
        label="Password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        required=False,
    )
    city = forms.ChoiceField(label="Chapter", choices=CITIES)
    mode = forms.ChoiceField(
        label="How will you take part?",
        choices=[("place", "At the place"), ("online", "Online")],
        widget=forms.RadioSelect,
    )
    topics = forms.MultipleChoiceField(
        label="Topics",
        choices=[("storage", "Storage"), ("network", "Network"), ("cpu", "CPU models")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Any number of them.",
    )
    abstract = forms.CharField(label="Abstract", widget=forms.Textarea, required=False)
    slides = forms.FileField(label="Slides", required=False)
    record = forms.BooleanField(label="The talk may be recorded", required=False)


def example_context() -> dict[str, Any]:
    """Return what the style guide's template draws: a form at rest, one with errors, dates and page numbers."""
    broken = ExampleForm({"title": "", "email": "asha@", "city": "pune", "mode": ""}, prefix="broken")
    broken.is_valid()
    now = timezone.localtime()
    return {
        "form": ExampleForm(prefix="plain"),
        "broken_form": broken,
        "exact_date": now + dt.timedelta(days=21),
        "page_obj": Paginator(range(200), 20).page(4),
        "crumbs": [("Lab", "/lab/"), ("Images", "/lab/images/")],
        "stages": [
            ("done", "Read the header", "done in 0.1 s"),
            ("done", "Check the format", "qcow2, version 3"),
            ("now", "Check the clusters", "running"),
            ("", "Write the report", "waiting"),
        ],
    }
