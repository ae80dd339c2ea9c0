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

    def __init__(self, article: Article, *args: object, kept: str = "", **kwargs: object) -> None:
        """``kept`` is the section that a question has already, offered also where the article lost it."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        section = self.fields["section"]
        assert isinstance(section, forms.ChoiceField)
        sections = sections_to_ask_about(article)
        if kept and kept not in dict(sections):
            sections.append((kept, "A section that is gone"))
        section.choices = [("", "The whole article"), *sections]


class AnswerForm(forms.Form):
    """What is answered."""

    text = forms.CharField(
        label="Your answer",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Plain text.",
    )
