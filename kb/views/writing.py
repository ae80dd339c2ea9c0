"""Writing: drafts, the editor, its preview, and sending for review."""

import uuid
from dataclasses import replace
from typing import Any

from csp.constants import NONCE
from csp.decorators import csp_update
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kb.documents import Document
from kb.forms.writing import DraftForm, NewArticleForm
from kb.models import Article, Draft
from kb.queries import writing as queries
from kb.queries.review import sent_back_with
from kb.services import writing as services
from kb.services.previews import Preview, preview_of
from kb.views.access import member_of, signed_in, too_often
from kb.views.conflicts import ask_about_tabs
from kb.views.kept_text import keeps_text, wants_json
from kb.views.pictures import line_of_picture
from portal.file_uploads import takes_files
from portal.pictures_sent import MAX_BYTES, PictureRefused


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: HttpRequest) -> HttpResponse:
    """Name a new article and begin it."""
    form = NewArticleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        document = Document(title=form.cleaned_data["title"], content="", kind=form.cleaned_data["kind"])
        try:
            draft = services.start_draft(author=member_of(request), at=timezone.now(), document=document)
        except services.WritingRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("kb:draft", draft.key)
    return render(request, "kb/article_new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin to change an article; whoever has begun goes on."""
    member = member_of(request)
    article = get_object_or_404(Article.objects.visible_to(member).select_related("current"), slug=slug)
    begun = Draft.objects.filter(author=member, article=article).first()
    if begun is not None:
        return redirect("kb:draft", begun.key)
    refusal = ""
    if request.method == "POST":
        try:
            draft = services.start_draft(author=member, article=article, at=timezone.now())
        except services.WritingRefused as refused:
            refusal = str(refused)
        else:
            return redirect("kb:draft", draft.key)
    context = {
        "article": article,
        "refusal": refusal,
        "others_waiting": queries.others_waiting(article, member),
    }
    return render(request, "kb/article_edit.html", context, status=422 if refusal else 200)


@require_safe
@signed_in
def draft_list(request: HttpRequest) -> HttpResponse:
    """What the member has in hand."""
    return render(request, "kb/draft_list.html", {"desk": queries.desk_of(member_of(request))})


def own_draft(request: HttpRequest, key: uuid.UUID) -> Draft:
    """The member's own draft, or 404: nobody else's is ever shown."""
    found = Draft.objects.select_related("article__current", "based_on", "author")
    return get_object_or_404(found, key=key, author=member_of(request))


@csp_update({"style-src": [NONCE]})  # CodeMirror makes its style sheet in the browser
@require_safe
@signed_in
def editor(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The page on which an article is written."""
    draft = own_draft(request, key)
    return _editor_page(request, draft, DraftForm(draft=draft))


def _editor_page(
    request: HttpRequest, draft: Draft, form: DraftForm, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "draft": draft,
        "form": form,
        "most": services.MAX_CONTENT,
        "series_titles": queries.series_titles(),
        "sent_back": sent_back_with(draft),
        **more,
    }
    return render(request, "kb/draft_editor.html", context, status=status)


@csp_update({"style-src": [NONCE]})  # it may answer with the editor
@takes_files(most_bytes=MAX_BYTES)
@require_POST
@keeps_text
@signed_in
def save(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Keep what was typed: for the page's own program, answered in JSON, and for the button."""
    draft = own_draft(request, key)
    if refused := too_often(request, "kb_save"):
        return refused
    form = DraftForm(request.POST, draft=draft)
    if not form.is_valid():
        if wants_json(request):
            return JsonResponse({"problems": form.problems()}, status=422)
        return _editor_page(request, draft, form, status=422)
    try:
        saved = _save(draft, form)
    except services.StaleDraft as stale:
        if wants_json(request):
            return JsonResponse({"stale": True, "version": stale.draft.version}, status=409)
        return ask_about_tabs(request, stale.draft, form.document())
    if wants_json(request):
        at = timezone.localtime(saved.updated_at)
        return JsonResponse({"version": saved.version, "saved": f"{at:%H:%M}"})
    if request.POST.get("then") == "preview":
        return redirect("kb:draft_preview", draft.key)
    if request.POST.get("then") == "picture":
        return _add_picture(request, saved)
    messages.success(request, "Your draft is saved. You alone see it.")
    return redirect("kb:draft", draft.key)


def _add_picture(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Put a picture at the end of the text: the way of a browser without our program."""
    if refused := too_often(request, "kb_picture"):
        return refused
    try:
        line = line_of_picture(request)
    except PictureRefused as refusal:
        form = DraftForm(draft=draft)
        return _editor_page(request, draft, form, status=422, picture_problem=str(refusal))
    document = draft.document
    text = f"{document.content}\n{line}\n" if document.content else f"{line}\n"
    services.save_draft(
        draft=draft, version=draft.version, document=replace(document, content=text), at=timezone.now()
    )
    messages.success(request, "The picture stands at the end of the text. Move its line to where it belongs.")
    return redirect("kb:draft", draft.key)


def _save(draft: Draft, form: DraftForm) -> Draft:
    """Raises ``StaleDraft``."""
    data = form.cleaned_data
    return services.save_draft(
        draft=draft,
        version=data["version"],
        document=form.document(),
        at=timezone.now(),
        summary=data["summary"],
        significance=data["significance"] or None,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def preview(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The saved draft as readers would see it; by POST the text that was sent, for the pane beside the editor."""
    draft = own_draft(request, key)
    if refused := too_often(request, "kb_preview"):
        return refused
    if request.method != "POST":
        context = {"draft": draft, "preview": preview_of(draft.content)}
        return render(request, "kb/draft_preview.html", context)
    content = request.POST.get("content", "")
    if len(content) > services.MAX_CONTENT:
        return HttpResponse(services.too_long(content), status=422, content_type="text/plain; charset=utf-8")
    return render(request, "kb/draft_preview_pane.html", {"preview": preview_of(content)})


@csp_update({"style-src": [NONCE]})
@require_POST
@keeps_text
@signed_in
def submit(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Save what was typed and send it for review; what has to be mended first is said."""
    draft = own_draft(request, key)
    if refused := too_often(request, "kb_submit"):
        return refused
    form = DraftForm(request.POST, draft=draft)
    if not form.is_valid():
        return _editor_page(request, draft, form, status=422)
    try:
        draft = _save(draft, form)
    except services.StaleDraft as stale:
        return ask_about_tabs(request, stale.draft, form.document())
    looked_over = preview_of(draft.content)
    if looked_over.blocks:
        return _refused(request, draft, "Something has to be mended first.", looked_over)
    try:
        done = services.submit_draft(draft=draft, at=timezone.now())
    except services.TextMovedOn:
        return redirect("kb:draft_merge", draft.key)
    except services.WritingRefused as refusal:
        return _refused(request, draft, str(refusal), looked_over)
    messages.success(request, _thanks(done))
    return redirect("kb:draft_list")


def _refused(request: HttpRequest, draft: Draft, why: str, looked_over: Preview) -> HttpResponse:
    """The editor again, with what was typed, now saved, and the reason."""
    form = DraftForm(draft=draft)
    return _editor_page(request, draft, form, status=422, refusal=why, remarks=looked_over.remarks)


def _thanks(done: services.Submission) -> str:
    said = f"“{done.revision.title}” was sent for review. Readers see it when a reviewer approved it."
    if done.was_merged:
        said += (
            " Others changed the article meanwhile, in other places: their changes and yours are both in it."
        )
    return said


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def discard(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Ask once, then throw the draft away."""
    draft = own_draft(request, key)
    if request.method != "POST":
        return render(request, "kb/draft_discard.html", {"draft": draft})
    services.discard_draft(draft=draft)
    messages.success(request, f"The draft “{draft}” is gone.")
    return redirect(reverse("kb:draft_list"))
