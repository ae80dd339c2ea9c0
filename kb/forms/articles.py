"""The filters of the list of articles, and the article in the admin."""

from typing import Any

from django import forms

from kb.models import Article, Tag


class ArticleFilterForm(forms.Form):
    """The filters of the list of articles; sent by GET, so that a narrowed list has an address of its own."""

    kind = forms.ChoiceField(required=False, choices=[("", "Every kind"), *Article.Kind.choices])
    tag = forms.ModelChoiceField(
        queryset=Tag.objects.none(), to_field_name="slug", required=False, empty_label="Every subject"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tag = self.fields["tag"]
        assert isinstance(tag, forms.ModelChoiceField)
        tag.label = "Subject"
        tag.queryset = Tag.objects.filter(articles__status=Article.Status.PUBLISHED).distinct()


class ArticleAdminForm(forms.ModelForm[Article]):
    """An article with its Markdown; what is saved is published as a revision."""

    content = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 40, "cols": 110, "spellcheck": "true"}),
        help_text="Markdown. Saving publishes it.",
        strip=False,
    )
    change = forms.CharField(max_length=200, required=False, help_text="What changed, in a phrase.")

    class Meta:
        model = Article
        fields = ["title", "slug", "kind", "summary", "owner", "reviewed_at", "review_due"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.current:
            self.fields["content"].initial = self.instance.current.content
