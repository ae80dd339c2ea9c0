"""Watching an article, and stopping it, from the page or from a mail."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from kb.models import Article
from kb.services import watching
from kb.views.access import member_of, signed_in, too_often


@require_POST
@signed_in
def watch(request: HttpRequest, slug: str) -> HttpResponse:
    """Start, or with ``stop`` end, being told of changes."""
    article = get_object_or_404(Article.objects.visible_to(request.user), slug=slug)
    if refusal := too_often(request, "kb_watch"):
        return refusal
    if request.POST.get("stop"):
        watching.unwatch_article(article=article, user=member_of(request))
        messages.success(request, "You are no longer told when this article changes.")
    else:
        watching.watch_article(article=article, user=member_of(request))
        messages.success(request, "You are told by mail when this article changes by more than typos.")
    return redirect(article)


@csrf_exempt  # mail programs post without having seen the page (RFC 8058); the signed token is the authority
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unwatch(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link in a mail leads: a page with a button; only POST changes anything."""
    try:
        watch = watching.read_unwatch_link(token)
    except watching.LinkInvalid as error:
        raise Http404 from error
    if watch and request.method == "POST":
        watching.unwatch_article(article=watch.article, user=watch.user)
        watch = None
    return render(request, "kb/unwatch.html", {"watch": watch})
