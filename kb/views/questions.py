"""Questions on an article, and for reviewers those that wait."""

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from kb.forms.questions import AnswerForm, QuestionForm
from kb.models import Answer, Article, HelpfulVote, Question
from kb.roles import is_reviewer
from kb.services import feedback
from kb.services import questions as service
from kb.services.question_marks import UNSETTLED
from kb.services.writing import WritingRefused
from kb.templatetags.posts import post_mark
from kb.views.access import member_of, signed_in, too_often
from kb.views.kept_text import keeps_words
from kb.views.moved import follows_moves
from portal.accounts.models import User

#: Questions of one page; an article with more has become a forum.
_MOST = 100


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_words
@follows_moves
def questions(request: HttpRequest, slug: str) -> HttpResponse:
    """What was asked about an article and answered; members ask here."""
    article = get_object_or_404(Article.objects.published(), slug=slug)
    if request.method != "POST":
        form = QuestionForm(article, initial={"section": request.GET.get("section", "")[:100]})
        return _page(request, article, form)
    if not request.user.is_authenticated:
        raise Http404
    if refusal := too_often(request, "kb_question"):
        return refusal
    form = QuestionForm(article, request.POST)
    if not form.is_valid():
        return _page(request, article, form, status=400)
    try:
        asked = service.ask(article=article, user=member_of(request), at=timezone.now(), **form.cleaned_data)
    except service.QuestionRefused as error:
        form.add_error(None, str(error))
        return _page(request, article, form, status=400)
    _say_kept(request, asked.state == Question.State.HELD)
    return redirect(question_address(asked))


@require_POST
@keeps_words
@signed_in
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a question."""
    question = _seen(request, pk)
    if refusal := too_often(request, "kb_question"):
        return refusal
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            given = service.answer(
                question=question, user=member_of(request), text=form.cleaned_data["text"], at=timezone.now()
            )
        except service.QuestionRefused as error:
            form.add_error(None, str(error))
        else:
            _say_kept(request, given.is_held)
            return redirect(question_address(question))
    ask_form = QuestionForm(question.article)
    return _page(request, question.article, ask_form, answering=(question.pk, form), status=400)


@require_POST
@signed_in
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a question: it takes no more answers."""
    question = _seen(request, pk)
    if not service.may_close(question, request.user):
        raise Http404
    if question.withdrawn_at is not None:
        raise Http404
    service.close(question=question, user=member_of(request))
    messages.success(request, "The question is closed.")
    return redirect("kb:questions", question.article.slug)


@require_POST
@signed_in
def promote(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a draft with the question and its answers in the text."""
    question = _seen(request, pk)
    if not service.may_promote(question, request.user):
        raise Http404
    try:
        draft = service.promote(question=question, user=member_of(request), at=timezone.now())
    except (WritingRefused, service.QuestionRefused) as error:
        messages.error(request, str(error))
        return redirect(question_address(question))
    messages.success(request, "The question stands under its section in your draft. Nothing is sent yet.")
    return redirect("kb:draft", draft.key)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def held(request: HttpRequest) -> HttpResponse:
    """For reviewers: first posts of new members and words of visitors, to be let in or refused."""
    if not is_reviewer(request.user):
        raise Http404
    asked = Question.objects.filter(state=Question.State.HELD, withdrawn_at=None, article__deleted_at=None)
    given = Answer.objects.filter(is_held=True, withdrawn_at=None, question__article__deleted_at=None)
    said = feedback.words_that_wait()
    if request.method == "POST":
        if _decide(request, {"question": asked, "answer": given, "vote": said}):
            messages.success(request, "Decided.")
        else:
            messages.info(request, "Nothing to decide: it is gone, changed or decided meanwhile.")
        return redirect("kb:questions_held")
    context = {
        "asked": asked.select_related("article", "author").order_by("created_at")[:_MOST],
        "given": given.select_related("question__article", "author").order_by("created_at")[:_MOST],
        "said": said.select_related("revision__article", "user").defer(
            "revision__content", "revision__article__html", "revision__article__toc"
        )[:_MOST],
    }
    return render(request, "kb/questions_held.html", context)


def _decide(request: HttpRequest, waiting: dict[str, QuerySet[Any]]) -> bool:
    """Let the post be seen that the form names, or refuse it; False where it does not wait as the reviewer saw it."""
    kind, _, number = request.POST.get("post", "")[:30].partition(":")
    decision = request.POST.get("decision")
    if kind not in waiting or not (number.isascii() and number.isdecimal()):
        raise Http404
    if decision not in ("fine", "refuse"):
        raise Http404
    post = waiting[kind].filter(pk=int(number[:15])).first()
    if post is None or request.POST.get("seen") != post_mark(post):
        return False
    if isinstance(post, HelpfulVote):
        feedback.let_words_be_seen(vote=post, are_fine=decision == "fine", at=timezone.now())
    else:
        return service.let_be_seen(post=post, is_fine=decision == "fine", at=timezone.now())
    return True


def _page(
    request: HttpRequest,
    article: Article,
    form: QuestionForm,
    answering: tuple[int, AnswerForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    user = request.user
    shown = Question.objects.visible_to(user).filter(article=article).select_related("author", "promoted_in")
    answers = Answer.objects.visible_to(user).select_related("author")
    found = list(shown.prefetch_related(Prefetch("answers", answers)).order_by("-created_at", "-pk")[:_MOST])
    names = dict(service.sections_of(article))
    for one in found:
        one.article = article
    rows = [_row(one, names, user, answering) for one in found]
    about = names.get(form.initial.get("section", ""), "")
    context = {"article": article, "form": form, "rows": rows, "about": about}
    return render(request, "kb/questions.html", context, status=status)


def _row(
    question: Question, names: dict[str, str], user: object, answering: tuple[int, AnswerForm] | None
) -> dict[str, object]:
    """A question as ``user`` finds it, and what they may do with it."""
    is_own = isinstance(user, User) and question.author_id == user.pk
    is_open = question.state in UNSETTLED and question.withdrawn_at is None
    is_answering = bool(answering and answering[0] == question.pk)
    return {
        "question": question,
        "section": names.get(question.section, ""),
        "shows_words": question.shows_words_to(user),
        "is_own": is_own,
        "may_edit": is_own and (is_open or (question.state == "held" and question.withdrawn_at is None)),
        "may_edit_answers": is_open,
        "may_close": is_open and service.may_close(question, user),
        "may_promote": is_open and service.may_promote(question, user),
        "may_answer": is_open and isinstance(user, User),
        "form": answering[1] if answering and is_answering else AnswerForm(auto_id=f"id_{question.pk}_%s"),
        "is_answering": is_answering,
    }


def _seen(request: HttpRequest, pk: int) -> Question:
    articles = Article.objects.published()
    seen = (
        Question.objects.visible_to(request.user)
        .filter(article__in=articles)
        .select_related("article", "author")
    )
    return get_object_or_404(seen, pk=pk)


def question_address(question: Question) -> str:
    """Its place on the page of its article's questions."""
    return f"{reverse('kb:questions', args=[question.article.slug])}#q{question.pk}"


def _say_kept(request: HttpRequest, is_held: bool) -> None:
    if is_held:
        messages.success(request, "Thank you. A reviewer looks at first posts before everybody sees them.")
    else:
        messages.success(request, "Thank you. It is there for everybody to see.")
