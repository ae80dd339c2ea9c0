"""Pages about oneself. Every one of them shows the signed-in member and nobody else."""

from typing import cast

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts import archive, me_sections, personal_data, queries, services
from portal.accounts.forms import EraseForm, ProfileForm, time_zone_names
from portal.accounts.models import User
from portal.mail import choices
from portal.mail.preferences import preferences_of, set_preference


def _member(request: HttpRequest) -> User:
    """The signed-in member; every view here is behind ``login_required``."""
    return cast(User, request.user)


@login_required
@never_cache
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """One's own corner of the portal: what one has in each room, and how safe the account is."""
    user = _member(request)
    factors = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    context = {
        "sections": me_sections.sections_for(user),
        "has_app": Authenticator.Type.TOTP in factors,
        "passkeys": factors.count(Authenticator.Type.WEBAUTHN),
    }
    return render(request, "accounts/me.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Display name, city, time zone."""
    form = ProfileForm(request.POST or None, instance=_member(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("me_profile")
    return render(request, "accounts/profile.html", {"form": form, "time_zones": time_zone_names()})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """Which mail one wants; a box that is not ticked is mail switched off."""
    user = _member(request)
    preferences = preferences_of(user)
    if request.method == "POST":
        wanted = request.POST.getlist("wanted")
        for preference in preferences:
            if preference.kind.can_switch_off:
                set_preference(user, preference.kind.key, preference.kind.key in wanted)
        choices.save_parts(user, request.POST)
        messages.success(request, "Your choice of mail is saved.")
        return redirect("me_notifications")
    parts = choices.parts_for(user)
    return render(request, "accounts/notifications.html", {"preferences": preferences, "parts": parts})


@login_required
@never_cache
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Where one is signed in."""
    found = queries.sessions_of(_member(request), request.session.session_key)
    return render(request, "accounts/sessions.html", {"sessions": found})


@login_required
@require_POST
def end_session(request: HttpRequest, session: int) -> HttpResponse:
    """Sign one browser out; one's own leads to the home page."""
    mine = queries.sessions_of(_member(request), request.session.session_key)
    found = next((one for one in mine if one.pk == session), None)
    if found is None:
        raise Http404
    services.end_session(user=_member(request), session=session)
    if found.is_current:
        logout(request)
        return redirect(settings.ACCOUNT_LOGOUT_REDIRECT_URL)
    messages.success(request, f"{found.browser} is signed out.")
    return redirect("me_sessions")


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    ended = services.end_other_sessions(user=_member(request), keep=request.session.session_key)
    messages.success(
        request, "You are signed out everywhere else." if ended else "You were signed in only here."
    )
    return redirect("me_sessions")


@login_required
@never_cache
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """What one can do with one's data: take it along, or have it erased."""
    return render(request, "accounts/data.html")


@login_required
@never_cache
@require_POST
@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]  # allauth is untyped
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that is kept about oneself, as a zip file."""
    return StreamingHttpResponse(
        archive.stream_archive(_member(request), site_name=settings.SITE_NAME),
        content_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="my-data.zip"'},
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]  # allauth is untyped
def delete(request: HttpRequest) -> HttpResponse:
    """Erase one's account and everything that belongs to it."""
    user = _member(request)
    form = EraseForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            services.erase_member(user=user)
        except services.LastSuperuser:
            form.add_error(
                None, "You are the only superuser. Make another member superuser first, then come back."
            )
        else:
            logout(request)
            messages.success(request, "Your account and everything that belonged to it are erased.")
            return redirect("home")
    context = {"form": form, "warnings": personal_data.warnings_for(user)}
    return render(request, "accounts/delete.html", context)
