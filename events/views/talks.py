"""Talks that were given or are to come, and one talk."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from events.forms.talk_list import TalkFilterForm
from events.models import Talk
from events.permissions import can_edit_talk, can_give_talk
from events.queries import talks as queries
from portal.accounts.models import User

PER_PAGE = 30


@require_safe
def talk_list(request: HttpRequest) -> HttpResponse:
    """Talks, those given last first, narrowed by words, topic, speaker and year; or the reader's own."""
    if request.GET.get("whose") == "mine" and isinstance(request.user, User):
        context = {"is_mine": True, "talks": queries.my_talks(request.user)[:100]}
        return render(request, "events/talk_list.html", context)
    form = TalkFilterForm(request.GET, topics=queries.topics())
    form.is_valid()  # a filter that makes no sense narrows nothing
    given = form.cleaned_data
    found = queries.talks(
        None,
        text=given.get("q", ""),
        topic=given.get("topic", ""),
        speaker=given.get("speaker", ""),
        year=given.get("year"),
    )
    context = {
        "form": form,
        "is_narrowed": any(value not in ("", None) for value in given.values()),
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "events/talk_list.html", context)


@require_safe
def talk_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One talk: who gives it, where it was given, its slides and recordings, and who wrote about it."""
    talk = get_object_or_404(Talk.objects.visible_to(request.user), slug=slug)
    page = queries.talk_page(talk, request.user)
    can_edit, can_give = can_edit_talk(request.user, talk), can_give_talk(request.user, talk)
    context = {
        "talk": talk,
        "page": page,
        "can_edit": can_edit,
        "can_give": can_give,
        "own_sessions": queries.own_sessions(talk) if can_give else [],
        "speaks": request.user.is_authenticated
        and any(by.speaker.user_id == request.user.pk for by in page.speaking),
    }
    return render(request, "events/talk_detail.html", context)
