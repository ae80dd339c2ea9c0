"""Who gets to the pages of members."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, cast

from allauth.core import ratelimit
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from kb.roles import is_lab_maintainer, is_reviewer
from portal.accounts.models import User

View = Callable[Concatenate[HttpRequest, ...], HttpResponse]


def signed_in(view: View) -> Callable[..., HttpResponse]:
    """For pages of members: a visitor who reads is led to the sign-in page and back, a visitor's POST finds nothing."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            if request.method not in ("GET", "HEAD"):
                raise Http404
            return redirect_to_login(request.get_full_path())
        response = view(request, *args, **more)
        add_never_cache_headers(response)
        return response

    return guarded


def for_reviewers(view: View) -> Callable[..., HttpResponse]:
    """For pages of those who review: other members find nothing."""

    @signed_in
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        if not is_reviewer(request.user):
            raise Http404
        return view(request, *args, **more)

    return guarded


def for_lab_maintainers(view: View) -> Callable[..., HttpResponse]:
    """For pages of those who let commands of articles run: other members find nothing."""

    @signed_in
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        if not is_lab_maintainer(request.user):
            raise Http404
        return view(request, *args, **more)

    return guarded


def member_of(request: HttpRequest) -> User:
    """The signed-in member; every view that asks is behind :func:`signed_in`."""
    return cast(User, request.user)


def too_often(request: HttpRequest, action: str) -> HttpResponse | None:
    """The answer 429 for whoever does ``action`` too often, else None, which counts this time.

    The numbers are in ``settings.ACCOUNT_RATE_LIMITS``.
    """
    # allauth counts a GET only where it is told so
    return cast("HttpResponse | None", ratelimit.consume_or_429(request, action=action, limit_get=True))
