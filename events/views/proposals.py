"""Offering a talk, changing it, and taking it back."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from events.forms.talks import ProposalForm, ProposeAgainForm, ResourceFormSet, TalkForm
from events.models import Chapter, Session, Speaker, Talk
from events.permissions import can_edit_talk, can_give_talk
from events.services import speakers, talks
from events.services.resources import save_resources
from events.views.access import signed_in
from events.views.limits import too_often
from portal.accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def propose_talk(request: HttpRequest, slug: str) -> HttpResponse:
    """A member offers a new talk to a chapter."""
    chapter = get_object_or_404(Chapter.objects.visible_to(request.user), slug=slug)
    user = cast(User, request.user)
    own = Speaker.objects.filter(user=user).first()
    initial = {"affiliation": own.affiliation if own else ""}
    form = ProposalForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        if refused := too_often(request, "propose_talk"):
            return refused
        try:
            session = talks.propose_talk(chapter=chapter, user=user, at=timezone.now(), **form.cleaned_data)
        except talks.TalkRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Your talk is proposed. {chapter.city} decides, and you get a mail.")
            return redirect(session.talk)
    context = {"chapter": chapter, "form": form, "mine": talks_to_repeat(user)}
    return render(request, "events/talk_propose.html", context, status=422 if form.errors else 200)


def talks_to_repeat(user: User) -> list[Talk]:
    """The member's own talks, which may be given once more."""
    found = Talk.objects.filter(proposed_by=user) | Talk.objects.filter(speakers__user=user)
    return list(found.distinct().order_by("-created_at")[:20])


def _given_by(request: HttpRequest, slug: str) -> Talk:
    talk = get_object_or_404(Talk.objects.visible_to(request.user), slug=slug)
    if not can_give_talk(request.user, talk):
        raise Http404
    return talk


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def propose_again(request: HttpRequest, slug: str) -> HttpResponse:
    """One of its people offers a talk to another chapter."""
    talk = _given_by(request, slug)
    form = ProposeAgainForm(request.POST or None, initial={"chapter": request.GET.get("chapter", "")})
    if request.method == "POST" and form.is_valid():
        if refused := too_often(request, "propose_talk"):
            return refused
        user, now = cast(User, request.user), timezone.now()
        try:
            talks.propose_again(talk=talk, user=user, at=now, **form.cleaned_data)
        except talks.TalkRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            city = form.cleaned_data["chapter"].city
            messages.success(request, f"The talk is proposed to {city}, which decides; you get a mail.")
            return redirect(talk)
    context = {"talk": talk, "form": form}
    return render(request, "events/talk_propose_again.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def withdraw_talk(request: HttpRequest, slug: str, session: int) -> HttpResponse:
    """Ask once, then take the proposal or the promise back."""
    talk = _given_by(request, slug)
    found = Session.objects.select_related("meetup", "chapter", "talk")
    offered = get_object_or_404(found, pk=session, talk=talk, chapter__isnull=False)
    if request.method != "POST":
        return render(request, "events/talk_withdraw.html", {"talk": talk, "session": offered})
    try:
        talks.withdraw_talk(session=offered, user=cast(User, request.user), at=timezone.now())
    except talks.TalkRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The talk is withdrawn.")
    return redirect(talk)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_talk(request: HttpRequest, slug: str) -> HttpResponse:
    """Its people and the organizers who took it on change a talk, its speakers, slides and recordings."""
    seen = Talk.objects.visible_to(request.user).prefetch_related("speaking__speaker")
    talk = get_object_or_404(seen, slug=slug)
    if not can_edit_talk(request.user, talk):
        raise Http404
    form = TalkForm(request.POST or None, talk=talk)
    kept = ResourceFormSet(request.POST or None, instance=talk, prefix="kept")
    if request.method == "POST" and form.is_valid() and kept.is_valid():
        actor = cast(User, request.user)
        talks.change_talk(talk=talk, actor=actor, **form.cleaned_data)
        kept.save(commit=False)
        save_resources(
            talk=talk, made=kept.new_objects, changed=kept.changed_objects, gone=kept.deleted_objects
        )
        messages.success(request, "The talk is saved.")
        return redirect(talk)
    context = {"talk": talk, "form": form, "kept": kept}
    status = 422 if request.method == "POST" else 200
    return render(request, "events/talk_edit.html", context, status=status)


@require_http_methods(["POST"])
@signed_in
def leave_talk(request: HttpRequest, slug: str) -> HttpResponse:
    """A speaker takes their own name off a talk."""
    talk = get_object_or_404(Talk.objects.visible_to(request.user), slug=slug)
    if not speakers.leave_talk(talk=talk, user=cast(User, request.user)):
        raise Http404
    messages.success(request, "Your name is not on this talk any more.")
    return redirect("events:talk_list")
