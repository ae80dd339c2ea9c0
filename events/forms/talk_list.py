"""The filters of the list of talks."""

from typing import Any

from django import forms


class TalkFilterForm(forms.Form):
    """What narrows the list; sent by GET, so that a narrowed list has an address of its own."""

    q = forms.CharField(label="Words", required=False, max_length=80)
    topic = forms.ChoiceField(required=False)
    speaker = forms.CharField(required=False, max_length=80)
    year = forms.IntegerField(required=False, min_value=1990, max_value=2100)

    def __init__(self, *args: Any, topics: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topic = self.fields["topic"]
        assert isinstance(topic, forms.ChoiceField)
        topic.choices = [("", "Every topic"), *((name, name) for name in topics)]
