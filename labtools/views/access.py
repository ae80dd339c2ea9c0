"""Who may come to the pages of the lab's staff."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

P = ParamSpec("P")


def is_staff(request: HttpRequest) -> bool:
    """Whether the reader is staff."""
    user = request.user
    return user.is_authenticated and user.is_active and user.is_staff


def staff_only(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Send strangers to sign in, and answer 404 to members: for them the page is not there."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not is_staff(request):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded
