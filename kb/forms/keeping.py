"""What the keeper of an article chooses on its settings page; one form for each thing."""

from typing import Any

from django import forms

from kb.models import Article
from kb.services.keeping import INTERVALS, possible_owners
from portal.accounts.models import User


class _Person(forms.ModelChoiceField[User]):
    def label_from_instance(self, obj: User) -> str:
        """The name that others see."""
        return obj.name


class SlugForm(forms.Form):
    """The last part of the article's address."""

    slug = forms.SlugField(
        label="Address",
        max_length=80,
        help_text="The end of the address, /kb/…/. The old address leads here for ever.",
    )


class OwnerForm(forms.Form):
    """Who keeps it true: those who wrote in it, and reviewers."""

    owner = _Person(queryset=User.objects.none(), required=False, empty_label="Nobody", label="Owner")

    def __init__(self, *args: Any, article: Article, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = self.fields["owner"]
        assert isinstance(owner, _Person)
        owner.queryset = possible_owners(article)
        owner.help_text = "Somebody who wrote part of it, or a reviewer. They are told by mail."


class ReviewDateForm(forms.Form):
    """That it was tried today, and when again."""

    months = forms.TypedChoiceField(
        label="Try it again in",
        coerce=int,
        choices=[(number, f"{number} months") for number in INTERVALS],
        initial=12,
    )
