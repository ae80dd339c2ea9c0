"""The filters of the list of articles, and the article in the admin."""

from typing import Any

from django import forms

from kb.models import Article, Series, Tag


class ArticleFilterForm(forms.Form):
    """The filters of the list of articles; sent by GET, so that a narrowed list has an address of its own."""

    kind = forms.ChoiceField(required=False, choices=[("", "Every kind"), *Article.Kind.choices])
    tag = forms.ModelChoiceField(
        queryset=Tag.objects.none(), to_field_name="slug", required=False, empty_label="Every subject"
    )

    series = forms.ModelChoiceField(
        queryset=Series.objects.none(), to_field_name="slug", required=False, empty_label="Every series"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tag, series = self.fields["tag"], self.fields["series"]
        assert isinstance(tag, forms.ModelChoiceField)
        assert isinstance(series, forms.ModelChoiceField)
        tag.label = "Subject"
        tag.queryset = Tag.objects.filter(pk__in=Article.objects.published().values("tags"))
        series.queryset = Series.objects.filter(pk__in=Article.objects.published().values("series"))


class ArticleAdminForm(forms.ModelForm[Article]):
    """What staff set beside the text: who keeps it true, whether readers see it, and when it was and is to be tried."""

    class Meta:
        model = Article
        fields = ["owner", "status", "reviewed_at", "review_due"]

    def clean_status(self) -> str:
        """Readers can only see what was approved once."""
        status: str = self.cleaned_data["status"]
        is_approved = self.instance.current_id is not None and self.instance.published_at is not None
        if status == Article.Status.PUBLISHED and not is_approved:
            raise forms.ValidationError("There is no approved text to show: approve one in the review first.")
        return status
