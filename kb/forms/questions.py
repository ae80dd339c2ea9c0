"""A question on a section, and an answer."""

from django import forms

from kb.models import Article
from kb.services.questions import sections_to_ask_about


class QuestionForm(forms.Form):
    """Which section, and what is asked."""

    section = forms.ChoiceField(label="About", required=False)
    text = forms.CharField(
        label="Your question",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What you did, what you expected, what happened; versions help. Plain text.",
    )

    def __init__(self, article: Article, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        section = self.fields["section"]
        assert isinstance(section, forms.ChoiceField)
        section.choices = [("", "The whole article"), *sections_to_ask_about(article)]


class AnswerForm(forms.Form):
    """What is answered."""

    text = forms.CharField(
        label="Your answer",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Plain text.",
    )
