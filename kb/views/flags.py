"""Settling what the lab says against an article."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from kb.models import Article, Flag
from kb.roles import can_keep
from kb.services.flags import FlagRefused, settle_flag
from kb.views.access import member_of, signed_in


@require_POST
@signed_in
def settle(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Close a flag with a word of the article's owner or of a reviewer."""
    article = get_object_or_404(Article.objects.visible_to(request.user), slug=slug)
    if not can_keep(request.user, article):
        raise Http404
    flag = get_object_or_404(Flag.objects.select_related("article"), pk=pk, article=article)
    try:
        settle_flag(flag=flag, by=member_of(request), how=request.POST.get("how", ""), at=timezone.now())
    except FlagRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Settled. The note is gone from the article.")
    return redirect(article)
