"""Texts that wait for review: the queue, one text with its differences, what is said to it, and the decision."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kb.forms.review import ApproveForm, CommentForm, SendBackForm
from kb.models import Revision
from kb.queries import review as queries
from kb.roles import is_reviewer
from kb.services import review as service
from kb.services.review import ReviewRefused
from kb.views.access import for_reviewers, member_of, signed_in, too_often

PER_PAGE = 30


@require_safe
@for_reviewers
def queue(request: HttpRequest) -> HttpResponse:
    """What waits for review, the longest waiting first."""
    name = request.GET.get("show", "")
    found, filters = queries.waiting(member_of(request), name)
    context = {
        "crumbs": [("Knowledge base", reverse("kb:article_list"))],
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "filters": filters,
        "shown": name if name in {one.name for one in filters} else "",
    }
    return render(request, "kb/review_queue.html", context)


@require_safe
@signed_in
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One text sent for review, for reviewers and its author."""
    return _page(request, _readable(request, pk))


@require_POST
@signed_in
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Say something to a line, or to all of it."""
    revision = _readable(request, pk)
    form = CommentForm(request.POST, auto_id="comment_%s")
    if form.is_valid():
        if refusal := too_often(request, "kb_comment"):
            return refusal
        try:
            said = service.add_comment(
                revision=revision, author=member_of(request), at=timezone.now(), **form.cleaned_data
            )
        except ReviewRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect(f"{reverse('kb:review', args=[pk])}#comment-{said.pk}")
    return _page(request, revision, comment_form=form, status=422)


@require_POST
@for_reviewers
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Let readers see it."""
    revision = _readable(request, pk)
    form = ApproveForm(request.POST, auto_id="approve_%s")

    def act() -> HttpResponse:
        shown = service.approve_revision(
            revision=revision, reviewer=member_of(request), at=timezone.now(), **form.cleaned_data
        )
        messages.success(request, f"Readers see “{shown.title}” now.")
        return redirect("kb:review_queue")

    return _decide(request, revision, form, act, "approve_form")


@require_POST
@for_reviewers
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it back to its author with words."""
    revision = _readable(request, pk)
    form = SendBackForm(request.POST, auto_id="back_%s")

    def act() -> HttpResponse:
        service.reject_revision(
            revision=revision, reviewer=member_of(request), at=timezone.now(), **form.cleaned_data
        )
        messages.success(request, f"“{revision.title}” is back with its author, who reads what you wrote.")
        return redirect("kb:review_queue")

    return _decide(request, revision, form, act, "send_back_form")


@require_POST
@signed_in
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """The author takes it back."""
    revision = _readable(request, pk)
    try:
        service.withdraw_revision(revision=revision, author=member_of(request), at=timezone.now())
    except PermissionDenied as error:
        raise Http404 from error
    except ReviewRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Withdrawn. The text is among your drafts again.")
    return redirect("kb:review", pk)


def _decide(
    request: HttpRequest, revision: Revision, form: forms.Form, act: Callable[[], HttpResponse], name: str
) -> HttpResponse:
    """Do what was decided, or show the page again with why not, and with every word that was typed."""
    if form.is_valid():
        try:
            return act()
        except ReviewRefused as refused:
            revision = _readable(request, revision.pk)
            form.add_error(None, str(refused))
    return _page(request, revision, status=422, **{name: form})


def _readable(request: HttpRequest, pk: int) -> Revision:
    found = queries.readable_review(member_of(request), pk)
    if found is None:
        raise Http404
    return found


def _page(request: HttpRequest, revision: Revision, status: int = 200, **forms_sent: Any) -> HttpResponse:
    line = _line(request.POST.get("line") or request.GET.get("line"))
    page = queries.review_page(
        member_of(request), revision, line=line, everything=request.GET.get("all") == "1"
    )
    context = {
        "page": page,
        "revision": revision,
        "article": revision.article,
        "reviews": is_reviewer(request.user),
        "is_whole": request.GET.get("all") == "1",
        "is_asked_inline": any(one.is_asked for one in page.lines),
        "may_say": revision.state in (Revision.State.SUBMITTED, Revision.State.REJECTED),
        "merged_lines": queries.plain_lines(page.merged_diff) if page.merged_diff else (),
        "comment_form": CommentForm(auto_id="comment_%s", initial={"line": line}),
        "approve_form": ApproveForm(auto_id="approve_%s"),
        "send_back_form": SendBackForm(auto_id="back_%s"),
        **forms_sent,
    }
    return render(request, "kb/review.html", context, status=status)


def _line(text: str | None) -> int | None:
    """A line's number out of an address; None for whatever is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 and int(text) else None
