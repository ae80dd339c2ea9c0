"""People who give talks: their pages, and whose page is whose."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.forms.speakers import ClaimDecisionForm, ClaimForm, ProfileForm
from events.models import Speaker, SpeakerClaim
from events.permissions import can_decide_claim
from events.queries import talks as queries
from events.services import speakers as services
from events.views.access import actor_of, signed_in
from events.views.limits import too_often
from portal.accounts.models import User


@require_safe
def speaker_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A speaker's talks across the years."""
    speaker = get_object_or_404(Speaker.objects.visible_to(request.user), slug=slug)
    user = request.user
    is_own = user.is_authenticated and speaker.user_id == user.pk
    open_claims = SpeakerClaim.objects.filter(speaker=speaker, status=SpeakerClaim.Status.OPEN)
    context = {
        "speaker": speaker,
        "page": queries.speaker_page(speaker, user),
        "is_own": is_own,
        "own_claim": open_claims.filter(user=user).first() if isinstance(user, User) else None,
        "claims": open_claims.exclude(user=cast(User, user)).select_related("user", "speaker")
        if can_decide_claim(user, speaker)
        else [],
    }
    return render(request, "events/speaker_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_speaker(request: HttpRequest, slug: str) -> HttpResponse:
    """The member to whom the page belongs changes it."""
    speaker = get_object_or_404(Speaker, slug=slug, user=cast(User, request.user))
    initial = {"name": speaker.name, "affiliation": speaker.affiliation, "bio": speaker.bio}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.change_profile(speaker=speaker, **form.cleaned_data)
        messages.success(request, "Your page is saved.")
        return redirect(speaker)
    context = {"speaker": speaker, "form": form}
    return render(request, "events/speaker_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def claim_speaker(request: HttpRequest, slug: str) -> HttpResponse:
    """A member says that the page is about them."""
    seen = Speaker.objects.visible_to(request.user).filter(user=None)
    speaker = get_object_or_404(seen, slug=slug)
    form = ClaimForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if refused := too_often(request, "speaker_claim"):
            return refused
        try:
            services.claim_speaker(speaker=speaker, user=actor_of(request), **form.cleaned_data)
        except services.SpeakerRefused as refusal:
            raise Http404 from refusal
        messages.success(
            request, "Thank you. Somebody who can tell looks at it; this page shows the outcome."
        )
        return redirect(speaker)
    context = {"speaker": speaker, "form": form}
    return render(request, "events/speaker_claim.html", context, status=422 if form.errors else 200)


@require_POST
@signed_in
def decide_claim(request: HttpRequest, slug: str, claim: int) -> HttpResponse:
    """Staff, or organizers who had the speaker, say whether it is them."""
    found = SpeakerClaim.objects.select_related("speaker", "user")
    made = get_object_or_404(found, pk=claim, speaker__slug=slug)
    if not can_decide_claim(request.user, made.speaker):
        raise Http404
    form = ClaimDecisionForm(request.POST)
    if not form.is_valid():
        raise BadRequest("decision")
    is_right = form.cleaned_data["decision"] == "accept"
    try:
        services.decide_claim(claim=made, actor=actor_of(request), is_right=is_right, at=timezone.now())
    except services.SpeakerRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The page is theirs now." if is_right else "The claim is declined.")
    return redirect(made.speaker)
