"""What accounts do around every request: one transaction, the list of sessions, the member's time zone."""

from collections.abc import Callable
from hashlib import sha256
from zoneinfo import ZoneInfo

from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

GetResponse = Callable[[HttpRequest], HttpResponse]
SEEN_EVERY = 300  # seconds


def time_zone(get_response: GetResponse) -> GetResponse:
    """Activate the signed-in member's time zone for the request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # Only where a session exists: the look-up would cost a visitor's page a query.
        if request.user.is_authenticated:
            with timezone.override(ZoneInfo(request.user.time_zone)):
                return get_response(request)
        return get_response(request)

    return middleware


def last_seen(get_response: GetResponse) -> GetResponse:
    """Note in the list of sessions that this one is in use, at most once in five minutes.

    allauth's own middleware writes on every request, and SQLite has one writer: pages that ask again every second
    and uploads in pieces would queue behind it. Without a cache it is every request again.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.session.session_key:
            # A digest: whoever reads the cache must not be able to take over a session.
            digest = sha256(request.session.session_key.encode()).hexdigest()
            if cache.add(f"session-seen:{digest}", 1, SEEN_EVERY):
                UserSession.objects.create_from_request(request)
        return get_response(request)

    return middleware


def one_transaction(get_response: GetResponse) -> GetResponse:
    """Run each change to an account in one transaction, so that a mail is queued if and only if the change is kept.

    allauth saves the user, the address and the mail one after the other. The sign-in form is left out: it changes
    nothing that a mail tells of, and checking a password takes long enough to be felt by everyone who waits for
    SQLite's write lock.
    """
    roots = (reverse("account_signup").removesuffix("signup/"), reverse("me"))
    sign_in = reverse("account_login")

    def middleware(request: HttpRequest) -> HttpResponse:
        is_change = request.method not in ("GET", "HEAD", "OPTIONS") and request.path.startswith(roots)
        if not is_change or request.path == sign_in:
            return get_response(request)
        with transaction.atomic():
            response = get_response(request)
            if response.status_code >= 500:  # the exception is a response by now
                transaction.set_rollback(True)
            else:
                _tell_before_commit()
        return response

    return middleware


def _tell_before_commit() -> None:
    """Run now what allauth put off until after the commit: telling of a new app, passkey or set of codes by mail.

    After the commit such a mail could be lost. Hooks of others, such as waking the mail worker, stay where they are.
    """
    connection = transaction.get_connection()
    early = [hook for hook in connection.run_on_commit if hook[1].__module__.startswith("allauth.")]
    connection.run_on_commit = [hook for hook in connection.run_on_commit if hook not in early]
    for _, tell, _ in early:
        tell()
