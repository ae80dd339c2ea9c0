"""“Did it work?”: a page of its own, so that the article is the same for every visitor and can be kept by caches."""

import secrets

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_http_methods

from kb.forms.feedback import WorkedForm
from kb.models import Article, HelpfulVote
from kb.roles import can_keep
from kb.services import feedback
from kb.views.access import too_often
from kb.views.moved import follows_moves
from portal.accounts.models import User

#: Tells a visitor who answered from another; made with the first answer and never before.
COOKIE = "kb_reader"
_YEAR = 365 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
@follows_moves
def did_it_work(request: HttpRequest, slug: str) -> HttpResponse:
    """Say whether it worked, change one's mind, take it back."""
    article = get_object_or_404(Article.objects.published().select_related("current"), slug=slug)
    user = request.user if isinstance(request.user, User) else None
    cookie = request.get_signed_cookie(COOKIE, default="", salt=COOKIE) or ""
    before = feedback.answer_of(article, user, _hash(cookie))
    form = WorkedForm(request.POST if request.method == "POST" else None, initial=_initial(before))
    if request.method == "POST":
        if refusal := too_often(request, "kb_worked"):
            return refusal
        if "withdraw" in request.POST:
            feedback.take_answer_back(article=article, user=user, visitor=_hash(cookie))
            messages.success(request, "Your answer is taken back.")
            return redirect("kb:did_it_work", slug)
        if form.is_valid():
            return _keep(request, article, user, cookie, form)
    reasons = feedback.reasons(article) if can_keep(user, article) else []
    context = {
        "article": article,
        "form": form,
        "before": before,
        "reasons": reasons,
        "versions": feedback.versions_to_choose_from(article),
    }
    response = render(request, "kb/did_it_work.html", context, status=400 if form.errors else 200)
    add_never_cache_headers(response)
    return response


def _keep(
    request: HttpRequest, article: Article, user: User | None, cookie: str, form: WorkedForm
) -> HttpResponse:
    is_new = user is None and not cookie
    cookie = secrets.token_urlsafe(16) if is_new else cookie
    feedback.say_whether_it_worked(
        article=article,
        user=user,
        visitor=_hash(cookie),
        worked=form.cleaned_data["worked"] == "yes",
        versions=" ".join(form.cleaned_data["versions"].split()),
        reason=form.cleaned_data["reason"].strip(),
        at=timezone.now(),
    )
    messages.success(request, "Thank you. You can change your answer, or take it back, at any time.")
    response = redirect(article)
    if is_new:
        response.set_signed_cookie(
            COOKIE,
            cookie,
            salt=COOKIE,
            max_age=_YEAR,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
            path="/kb/",
        )
    return response


def _hash(cookie: str) -> str:
    """What is stored of the cookie: without it nobody can be told from the row."""
    return salted_hmac(COOKIE, cookie, algorithm="sha256").hexdigest() if cookie else ""


def _initial(before: HelpfulVote | None) -> dict[str, str]:
    if before is None:
        return {}
    return {
        "worked": "yes" if before.worked else "no",
        "versions": before.versions,
        "reason": before.reason,
    }
