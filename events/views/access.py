"""Who gets to the pages of organizers: a visitor is asked to sign in, anybody else without the role finds nothing."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import add_never_cache_headers

from events.models import Chapter, Meetup
from events.permissions import (
    can_check_in,
    can_lead_chapter,
    can_manage_chapter,
    can_manage_meetup,
    takes_reports,
)
from portal.accounts.models import User

_SAFE = ("GET", "HEAD")


def actor_of(request: HttpRequest) -> User:
    """The signed-in organizer; every view that asks is behind one of the decorators here."""
    return cast(User, request.user)


def signed_in(view: Callable[Concatenate[HttpRequest, ...], HttpResponse]) -> Callable[..., HttpResponse]:
    """For pages of members: a visitor who reads is led to the sign-in page, a visitor's POST finds nothing."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _sign_in(request)
        response = view(request, *args, **more)
        add_never_cache_headers(response)
        return response

    return guarded


MeetupView = Callable[Concatenate[HttpRequest, Meetup, ...], HttpResponse]


def _for_meetup(allows: Callable[[User, Meetup], bool], view: MeetupView) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **more: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _sign_in(request)
        found = Meetup.objects.visible_to(request.user).select_related("chapter", "venue")
        meetup = get_object_or_404(found, slug=slug)
        if not allows(actor_of(request), meetup):
            raise Http404
        response = view(request, meetup, **more)
        add_never_cache_headers(response)
        return response

    return guarded


def for_meetup_organizers(view: MeetupView) -> Callable[..., HttpResponse]:
    """Hand the meetup of the address's slug to ``view`` if the reader manages it; otherwise 404.

    A visitor who only reads is led to the sign-in page, whether or not there is such a meetup.
    """
    return _for_meetup(can_manage_meetup, view)


def for_door_helpers(view: MeetupView) -> Callable[..., HttpResponse]:
    """The same for those who check people in at the meetup's door."""
    return _for_meetup(can_check_in, view)


ChapterView = Callable[Concatenate[HttpRequest, Chapter, ...], HttpResponse]


def _for_chapter(allows: Callable[[User, Chapter], bool], view: ChapterView) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **more: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _sign_in(request)
        chapter = get_object_or_404(Chapter.objects.visible_to(request.user), slug=slug)
        if not allows(actor_of(request), chapter):
            raise Http404
        response = view(request, chapter, **more)
        add_never_cache_headers(response)
        return response

    return guarded


def for_chapter_organizers(view: ChapterView) -> Callable[..., HttpResponse]:
    """The same for the chapter of the address's slug."""
    return _for_chapter(can_manage_chapter, view)


def for_chapter_leads(view: ChapterView) -> Callable[..., HttpResponse]:
    """The same for those who give and take the chapter's roles."""
    return _for_chapter(can_lead_chapter, view)


def for_report_readers(view: ChapterView) -> Callable[..., HttpResponse]:
    """The same for those who take the chapter's reports of problems."""
    return _for_chapter(takes_reports, view)


def _sign_in(request: HttpRequest) -> HttpResponse:
    """A stranger's change is refused as not found; a page leads to the sign-in and back."""
    if request.method not in _SAFE:
        raise Http404
    return redirect_to_login(request.get_full_path())
