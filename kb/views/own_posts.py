"""One's own questions and answers: change, withdraw, bring back. For everybody else these pages are not there."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from kb.forms.questions import AnswerForm, QuestionForm
from kb.models import Answer, Article, Question
from kb.services import own_posts as service
from kb.services.own_posts import Post
from kb.services.questions import QuestionRefused, is_known
from kb.views.access import member_of, signed_in, too_often
from kb.views.kept_text import keeps_words
from kb.views.questions import question_address

_OFTEN = "That was often. Your words are here still: wait a few minutes, then send them again."


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_words
@signed_in
def edit(request: HttpRequest, pk: int, model: type[Question] | type[Answer]) -> HttpResponse:
    """Change the words of a post of one's own."""
    post = _mine(request, pk, model)
    if request.method != "POST":
        return _form_page(request, post, _form(post))
    form = _form(post, request.POST)
    if not form.is_valid():
        return _form_page(request, post, form, status=400)
    if too_often(request, "kb_question"):
        form.add_error(None, _OFTEN)
        return _form_page(request, post, form, status=429)
    try:
        changed = service.edit_post(
            post=post,
            user=member_of(request),
            version=_version(request),
            at=timezone.now(),
            **form.cleaned_data,
        )
    except QuestionRefused as error:
        form.add_error(None, str(error))
        return _form_page(request, post, form, status=400)
    except service.StalePost as error:
        return _form_page(request, error.post, form, stored=error.post, status=409)
    is_held = changed.is_held if isinstance(changed, Answer) else changed.state == Question.State.HELD
    messages.success(
        request, "Changed. A reviewer reads it before everybody sees it." if is_held else "Changed."
    )
    return redirect(question_address(_question(post)))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def withdraw(request: HttpRequest, pk: int, model: type[Question] | type[Answer]) -> HttpResponse:
    """Ask whether to withdraw a post of one's own, and do it."""
    post = _mine(request, pk, model)
    if request.method != "POST":
        return render(request, "kb/post_withdraw.html", _about(post) | {"days": service.KEPT.days})
    service.withdraw_post(post=post, user=member_of(request), at=timezone.now())
    messages.success(request, f"Withdrawn. You can bring it back for {service.KEPT.days} days.")
    return redirect(question_address(_question(post)))


@require_POST
@signed_in
def bring_back(request: HttpRequest, pk: int, model: type[Question] | type[Answer]) -> HttpResponse:
    """Undo withdrawing."""
    post = _mine(request, pk, model)
    try:
        service.bring_back_post(post=post, user=member_of(request))
    except QuestionRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is back as it was.")
    return redirect(question_address(_question(post)))


def _mine(request: HttpRequest, pk: int, model: type[Question] | type[Answer]) -> Post:
    articles = Article.objects.published()
    if model is Answer:
        given = Answer.objects.filter(author=member_of(request), question__article__in=articles)
        return get_object_or_404(given.select_related("question__article"), pk=pk)
    asked = Question.objects.filter(author=member_of(request), article__in=articles)
    return get_object_or_404(asked.select_related("article"), pk=pk)


def _question(post: Post) -> Question:
    return post.question if isinstance(post, Answer) else post


def _form(post: Post, data: Any = None) -> QuestionForm | AnswerForm:
    if isinstance(post, Answer):
        return AnswerForm(data, initial={"text": post.text})
    initial = {"text": post.text, "section": post.section}
    return QuestionForm(post.article, data, initial=initial, kept=post.section)


def _version(request: HttpRequest) -> int:
    """The version that the form began with; one that no post has where the field is rubbish."""
    sent = request.POST.get("version", "")
    return int(sent[:9]) if sent.isascii() and sent.isdecimal() else -1


def _about(post: Post) -> dict[str, Any]:
    question = _question(post)
    return {
        "post": post,
        "name": "answer" if isinstance(post, Answer) else "question",
        "article": question.article,
        "back": question_address(question),
        "has_answers": isinstance(post, Question)
        and Answer.objects.public().filter(question=question).exists(),
    }


def _form_page(
    request: HttpRequest,
    post: Post,
    form: QuestionForm | AnswerForm,
    *,
    stored: Post | None = None,
    status: int = 200,
) -> HttpResponse:
    # An error does not make this tab know of what another tab did: its form goes on from where it began.
    version = _version(request) if form.is_bound and stored is None else post.version
    context = _about(post) | {
        "form": form,
        "version": version,
        "stored": stored,
        "is_new": not is_known(member_of(request)),
    }
    return render(request, "kb/post_edit.html", context, status=status)
