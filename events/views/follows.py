"""Following a chapter and leaving it again, signed in or by the links in mails."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from events.forms.follows import FollowByEmailForm, NotifyForm
from events.models import Chapter, ChapterFollow, Person
from events.services import follow_links, follows
from events.views.access import actor_of
from events.views.limits import too_often


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, slug: str) -> HttpResponse:
    """Follow a chapter: a member at once, anybody else by an address that gets a mail with a link."""
    chapter = get_object_or_404(Chapter.objects.visible_to(request.user), slug=slug)
    if request.user.is_authenticated:
        return _follow_as_member(request, chapter) if request.method == "POST" else redirect(chapter)
    form = FollowByEmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if refusal := too_often(request, "follow_by_email", key=email):
            return refusal
        follows.ask_to_follow(chapter=chapter, email=email, at=timezone.now())
        messages.success(
            request,
            f"A mail with a link is on its way to {email}, unless that address follows already. "
            "Press the button behind the link, and you follow.",
        )
        return redirect(chapter)
    return render(request, "events/follow.html", {"chapter": chapter, "form": form})


def _follow_as_member(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    form = NotifyForm(request.POST)
    notify = form.cleaned_data["notify"] if form.is_valid() else ChapterFollow.Notify.EACH
    try:
        follows.follow_chapter(chapter=chapter, user=actor_of(request), notify=notify, at=timezone.now())
    except follows.FollowRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"You follow {chapter.city}.")
    return redirect(chapter)


@require_POST
@login_required
def unfollow(request: HttpRequest, slug: str) -> HttpResponse:
    """A member stops following, in one click."""
    chapter = get_object_or_404(Chapter.objects.visible_to(request.user), slug=slug)
    follows.unfollow_chapter(chapter=chapter, person=Person.of(actor_of(request)))
    messages.success(request, f"You no longer follow {chapter.city}.")
    return redirect(chapter)


@csrf_exempt  # mail programs post without having seen the page (RFC 8058); the signed token is the authority
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow_link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the links in mails lead: confirm, change how much mail comes, or stop. Only POST changes anything."""
    try:
        found, action = follow_links.read_follow_link(token)
    except follow_links.LinkInvalid as error:
        raise Http404 from error
    if found and request.method == "POST":
        found, action = _act(request, found, action)
    if found and action == "confirm" and found.confirmed_at:
        action = "manage"
    context = {
        "follow": found,
        "action": action,
        "form": NotifyForm(initial={"notify": found.notify}) if found else None,
        "days": follow_links.CONFIRM_WITHIN.days,
    }
    return render(request, "events/follow_link.html", context)


def _act(request: HttpRequest, found: ChapterFollow, action: str) -> tuple[ChapterFollow | None, str]:
    """Do what was pressed; the follow as it is then, and what the page is about."""
    if action == "confirm" and found.confirmed_at is None:
        found = follows.confirm_follow(follow=found, at=timezone.now())
        messages.success(request, f"You follow {found.chapter.city}.")
        return found, "manage"
    if action == "expired" and found.confirmed_at is None:
        return found, action
    form = NotifyForm(request.POST)
    if request.POST.get("do") == "change" and form.is_valid():
        follows.set_notify(follow=found, notify=form.cleaned_data["notify"])
        found.refresh_from_db()
        messages.success(request, "Your choice is saved.")
        return found, "manage"
    if request.POST.get("do") == "unfollow" or request.POST.get("List-Unsubscribe") == "One-Click":
        follows.unfollow_chapter(chapter=found.chapter, person=found.person)
        return None, "gone"
    return found, action
