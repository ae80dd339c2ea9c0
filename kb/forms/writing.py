"""The editor's form: an article with its head, and the page on which two texts are brought together."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.forms import formset_factory
from django.utils.text import slugify

from kb.documents import AppliesToRange, Document
from kb.merging import Conflict, Merge
from kb.models import AppliesTo, Article, Draft, Revision, Tag
from kb.services.writing import MAX_CONTENT, too_long

_MOST_TAGS = 10
_MOST_VERSIONS = 12


class NewArticleForm(forms.Form):
    """What a new article is called; everything else is written in the editor."""

    title = forms.CharField(
        max_length=120, help_text="What it does for its reader, such as: Give a guest its own LUN."
    )
    kind = forms.ChoiceField(
        choices=Article.Kind.choices, widget=forms.RadioSelect, initial=Article.Kind.HOW_TO
    )


class AppliesToForm(forms.Form):
    """One row: a program and the versions for which the text was written."""

    component = forms.ChoiceField(
        label="Program", required=False, choices=[("", "None"), *AppliesTo.Component.choices]
    )
    minimum = forms.CharField(label="From version", max_length=20, required=False)
    maximum = forms.CharField(label="To version", max_length=20, required=False)


_AppliesToFormSet = formset_factory(
    AppliesToForm, extra=1, max_num=_MOST_VERSIONS, absolute_max=_MOST_VERSIONS
)


class DraftForm(forms.Form):
    """All of a draft. Nothing is required: a working copy may be as unfinished as it likes.

    ``rows`` are the versions, a formset; valid only if they are, too.
    """

    title = forms.CharField(max_length=120, required=False)
    kind = forms.ChoiceField(choices=Article.Kind.choices)
    abstract = forms.CharField(
        label="Summary",
        max_length=250,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "true"}),
        help_text="One or two sentences, shown in lists.",
    )
    tags = forms.CharField(
        max_length=600, required=False, help_text="With commas between them, such as: qcow2, storage."
    )
    series = forms.CharField(
        max_length=120, required=False, help_text="Only where it is one part of several."
    )
    part = forms.IntegerField(min_value=1, max_value=999, required=False, help_text="Its number there.")
    content = forms.CharField(
        label="Text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "true"}),
        help_text="Markdown.",
    )
    summary = forms.CharField(
        label="What did you change?",
        max_length=200,
        required=False,
        help_text="A phrase for the history, such as: The option is called vports since libvirt 1.0.",
    )
    significance = forms.ChoiceField(
        label="How much is it?", choices=Revision.Significance.choices, required=False
    )
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, draft: Draft, **more: Any) -> None:
        super().__init__(data, initial=_initial(draft), **more)
        self.draft = draft
        self.known = list(Tag.objects.order_by("name"))
        self.rows = _AppliesToFormSet(
            data,
            prefix="applies",
            initial=[
                {"component": one.component, "minimum": one.minimum, "maximum": one.maximum}
                for one in draft.document.applies_to
            ],
        )
        self.fields["title"].widget.attrs["autocomplete"] = "off"
        self.fields["tags"].widget.attrs["list"] = "known-tags"
        self.fields["series"].widget.attrs["list"] = "known-series"

    def is_valid(self) -> bool:
        """Both the fields and the rows of versions."""
        return super().is_valid() & self.rows.is_valid()

    def clean_content(self) -> str:
        """Refuse what is too long, in a sentence that says by how much."""
        content: str = self.cleaned_data["content"]
        if len(content) > MAX_CONTENT:
            raise forms.ValidationError(too_long(content))
        return content

    def clean_tags(self) -> list[str]:
        """Names, each once; another word for a tag becomes the tag."""
        names = {slugify(word)[:50]: word.strip()[:50] for word in self.cleaned_data["tags"].split(",")}
        by_slug = {slug: tag.name for tag in self.known for slug in (tag.slug, *tag.aliases)}
        found = list(dict.fromkeys(by_slug.get(slug, name) for slug, name in names.items() if slug))
        if len(found) > _MOST_TAGS:
            raise forms.ValidationError(f"At most {_MOST_TAGS} tags; these are {len(found)}.")
        return found

    def document(self) -> Document:
        """What the valid form says."""
        data = self.cleaned_data
        rows = [row.cleaned_data for row in self.rows if row.cleaned_data.get("component")]
        return Document(
            title=data["title"],
            content=data["content"],
            kind=data["kind"],
            abstract=data["abstract"],
            tags=tuple(data["tags"]),
            applies_to=tuple(
                AppliesToRange(row["component"], row["minimum"], row["maximum"]) for row in rows
            ),
            series=data["series"],
            part=data["part"],
        ).normalised()

    def problems(self) -> dict[str, list[str]]:
        """Field name -> sentences, for the program in the page that saves."""
        wrong = {name: [str(one) for one in errors] for name, errors in self.errors.items()}
        for row in self.rows:
            for errors in row.errors.values():
                wrong.setdefault("applies_to", []).extend(str(one) for one in errors)
        return wrong


def _initial(draft: Draft) -> dict[str, Any]:
    return {
        "title": draft.title,
        "kind": draft.kind,
        "abstract": draft.abstract,
        "tags": ", ".join(draft.tags),
        "series": draft.series,
        "part": draft.part,
        "content": draft.content,
        "summary": draft.summary,
        "significance": draft.significance,
        "version": draft.version,
    }


# ------------------------------------------------------------------------- two texts brought together

#: Beyond so many pieces the text is one question: browsers and people have their bounds.
_MOST_PIECES = 300
_HEAD = ("title", "kind", "abstract", "series", "part")
_FIELD_WORDS = {"abstract": "Summary", "series": "Series and part"}


class MergeQuestions:
    """A merge as the page asks it: pieces of text in order, and the fields of the head that both changed."""

    def __init__(self, merge: Merge, mine: Document, theirs: Document) -> None:
        self.head = [
            (
                one,
                _FIELD_WORDS.get(one.field) or one.field.replace("applies_to.", "Versions of ").capitalize(),
            )
            for one in merge.conflicts
            if one.field != "content"
        ]
        pieces = merge.pieces
        if len(pieces) > _MOST_PIECES:
            pieces = (Conflict("content", None, mine.content, theirs.content, 1),)
        self.pieces = [
            {"number": number, "conflict": piece if isinstance(piece, Conflict) else None, "text": piece}
            for number, piece in enumerate(pieces)
        ]
        self.merged = head_of(merge.document)
        self.theirs = head_of(theirs)
        self.count = len(self.head) + sum(1 for piece in self.pieces if piece["conflict"])


def answered(data: Mapping[str, Any]) -> Document:
    """The document that the answers make. It is made of what was sent alone, so that nothing typed can get lost.

    Its text is as long as it came: whoever keeps it bounds it. Raises ``ValueError`` where somebody made up the form.
    """
    merged, theirs = _read_head(data.get("merged", "")), _read_head(data.get("theirs", ""))
    document = merged
    for field in ("title", "kind", "abstract"):
        if data.get(f"head-{field}") == "theirs":
            document = replace(document, **{field: getattr(theirs, field)})
    if data.get("head-series") == "theirs":
        document = replace(document, series=theirs.series, part=theirs.part)
    for component in AppliesTo.Component.values:
        if data.get(f"head-applies_to.{component}") == "theirs":
            kept = [one for one in document.applies_to if one.component != component]
            taken = [one for one in theirs.applies_to if one.component == component]
            document = replace(document, applies_to=(*kept, *taken))
    return replace(document, content=answered_content(data)).normalised()


def answered_content(data: Mapping[str, Any]) -> str:
    """The text alone that the answers make, whatever was sent for the head."""
    return "".join(_answer(data, number) for number in range(_MOST_PIECES + 1))


def _answer(data: Mapping[str, Any], number: int) -> str:
    """A piece as it is, or what was chosen for it; line ends as browsers send them made ours."""

    def part(name: str) -> str:
        return str(data.get(f"{name}-{number}", "")).replace("\r\n", "\n")

    choice = part("choice")
    if choice == "mine" and part("own").rstrip("\n") != part("mine").rstrip("\n"):
        choice = "own"  # somebody wrote, and left the choice as it was
    if not choice:
        return part("piece")
    if choice == "both":
        mine = part("mine")
        return (mine if mine.endswith("\n") or not mine else f"{mine}\n") + part("theirs")
    text = part(choice) if choice in ("mine", "theirs", "own") else part("mine")
    return f"{text}\n" if text and not text.endswith("\n") else text


def head_of(document: Document) -> str:
    """All of a document but its text, as the page carries it for :func:`answered`."""
    head = {name: getattr(document, name) for name in _HEAD} | {
        "tags": list(document.tags),
        "applies_to": [[one.component, one.minimum, one.maximum] for one in document.applies_to],
    }
    return json.dumps(head)


def _read_head(text: str) -> Document:
    """Raises ``ValueError`` for anything that the page did not put there itself."""
    try:
        head = json.loads(text.replace("\\u0000", ""))
        part = head["part"]
        document = Document(
            title=str(head["title"])[:120],
            content="",
            kind=Article.Kind(head["kind"]),
            abstract=str(head["abstract"])[:250],
            tags=tuple(str(tag)[:50] for tag in head["tags"][: 2 * _MOST_TAGS]),
            applies_to=tuple(
                AppliesToRange(AppliesTo.Component(name), str(minimum)[:20], str(maximum)[:20])
                for name, minimum, maximum in head["applies_to"][:_MOST_VERSIONS]
            ),
            series=str(head["series"])[:120],
            part=None if part is None else min(max(int(part), 1), 999),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError("The page was not sent as it was made.") from error
    return document
