"""The page of one's API tokens. A secret is in one answer, the one that makes it, and in no other."""

from typing import cast

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.accounts import tokens
from portal.accounts.models import User
from portal.accounts.token_forms import TokenForm


@login_required
@never_cache
@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    """One's tokens, without their secrets, and a form for a new one."""
    return _page(request, TokenForm())


@login_required
@never_cache
@require_POST
@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]  # allauth is untyped
def token_create(request: HttpRequest) -> HttpResponse:
    """Make a token. It outlives the session, so the password is asked for when it was given long ago."""
    form, secret = TokenForm(request.POST), ""
    if form.is_valid():
        try:
            _, secret = tokens.create_token(
                user=cast(User, request.user), name=form.cleaned_data["name"], days=form.cleaned_data["days"]
            )
            form = TokenForm()
        except tokens.TooManyTokens:
            form.add_error(None, f"You have {tokens.MAX_TOKENS} tokens, which is the most. Revoke one first.")
    return _page(request, form, secret)


@login_required
@require_POST
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of one's tokens."""
    token = get_object_or_404(cast(User, request.user).api_tokens, pk=token_id)
    tokens.revoke_token(token)
    messages.success(
        request, f"The token “{token.name}” is revoked. Programs that use it are refused from now on."
    )
    return redirect("me_tokens")


def _page(request: HttpRequest, form: TokenForm, secret: str = "") -> HttpResponse:
    own = cast(User, request.user).api_tokens.order_by("-created_at", "-pk")
    context = {"tokens": own, "form": form, "secret": secret, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context)
