"""The page on which a writer brings two texts together: of two tabs, or of two people. Nothing of either is lost."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kb.documents import Document
from kb.forms.writing import MergeQuestions, answered, head_of
from kb.merging import Merge, merge_documents
from kb.models import Draft, Revision
from kb.services import writing as services
from kb.views.access import member_of, signed_in
from kb.views.kept_text import keeps_text


def ask_about_tabs(request: HttpRequest, draft: Draft, mine: Document) -> HttpResponse:
    """Another tab or device saved the draft meanwhile; ``mine`` is what this one sent, and is kept nowhere yet."""
    theirs = draft.document
    questions = MergeQuestions(merge_documents(None, mine, theirs), mine, theirs)
    return _page(request, draft, questions, other=None)


def _ask_about_people(request: HttpRequest, draft: Draft, merge: Merge, current: Revision) -> HttpResponse:
    questions = MergeQuestions(merge, draft.document, current.document)
    return _page(request, draft, questions, other=current)


def _page(
    request: HttpRequest, draft: Draft, questions: MergeQuestions, other: Revision | None
) -> HttpResponse:
    context = {"draft": draft, "questions": questions, "other": other}
    return render(request, "kb/draft_merge.html", context, status=409 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_text
@signed_in
def merge(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What others published since the draft was begun, beside it; and what the writer made of both."""
    found = Draft.objects.select_related("article__current__author", "based_on", "author")
    draft = get_object_or_404(found, key=key, author=member_of(request))
    if request.method == "POST":
        return _settle(request, draft)
    pending = services.merge_of(draft)
    if pending is None:
        messages.info(
            request, "Your draft is based on the text that readers see: there is nothing to settle."
        )
        return redirect("kb:draft", draft.key)
    assert draft.article is not None
    assert draft.article.current is not None
    return _ask_about_people(request, draft, pending, draft.article.current)


def _settle(request: HttpRequest, draft: Draft) -> HttpResponse:
    try:
        document = answered(request.POST)
        version = int(request.POST.get("version", ""))
        current = int(request.POST.get("current") or 0)
    except ValueError as wrong:
        messages.error(request, f"Nothing was changed. {wrong}")
        return redirect("kb:draft", draft.key)
    if len(document.content) > services.MAX_CONTENT:
        return _ask_to_shorten(request, draft, document, version, current)
    now = timezone.now()
    try:
        if current:
            draft = services.settle_draft(
                draft=draft, version=version, current=current, document=document, at=now
            )
        else:
            draft = services.save_draft(draft=draft, version=version, document=document, at=now)
    except services.StaleDraft as stale:
        return ask_about_tabs(request, stale.draft, document)
    if current and services.merge_of(draft) is not None:
        messages.info(request, "Both texts are one now, and saved; meanwhile readers got yet another one.")
        return redirect("kb:draft_merge", draft.key)
    messages.success(request, "Both texts are one now, and saved. Look it over, then send it for review.")
    return redirect("kb:draft", draft.key)


def _ask_to_shorten(
    request: HttpRequest, draft: Draft, document: Document, version: int, current: int
) -> HttpResponse:
    """Both texts together are beyond the bound: all that was made of them is given back, to be cut down."""
    context = {
        "draft": draft,
        "refusal": services.too_long(document.content),
        "content": document.content,
        "head": head_of(document),
        "version": version,
        "current": current,
    }
    return render(request, "kb/draft_merge_too_long.html", context, status=422)
