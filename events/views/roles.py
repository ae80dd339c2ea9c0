"""Who does what in a chapter: given and taken by its leads, left by everybody for themselves."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from events.forms.chapters import NewRoleForm, RoleForm
from events.models import Chapter, ChapterMembership
from events.permissions import can_lead_chapter
from events.queries.people_of_chapter import follower, followers_named, people_of
from events.services import roles
from events.views.access import actor_of, for_chapter_leads
from events.views.limits import too_often


@require_safe
@for_chapter_leads
def people(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """Everybody with a role, and a search among followers for somebody new."""
    return _page(request, chapter, NewRoleForm(auto_id="new_%s"))


def _page(request: HttpRequest, chapter: Chapter, form: NewRoleForm, status: int = 200) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:80]
    held = [
        (
            one,
            RoleForm(
                initial={"role": one.role, "until": one.until, "takes_reports": one.takes_reports},
                auto_id=f"role_{one.pk}_%s",
            ),
        )
        for one in people_of(chapter, at=timezone.now())
    ]
    context = {
        "chapter": chapter,
        "tab": "people",
        "people": held,
        "form": form,
        "wanted": wanted,
        "found": followers_named(chapter, wanted) if wanted else [],
        "chosen": follower(chapter, _number(request.GET.get("user", ""))),
    }
    return render(request, "events/chapter_people.html", context, status=status)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@require_POST
@for_chapter_leads
def add_role(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """Give a role to a follower, or note somebody by name."""
    if refusal := too_often(request, "chapter_search"):
        return refusal
    form = NewRoleForm(request.POST, auto_id="new_%s")
    if not form.is_valid():
        return _page(request, chapter, form, status=422)
    given = form.cleaned_data
    person = follower(chapter, given["user"] or 0)
    if given["user"] and person is None:
        raise Http404
    try:
        made = roles.give_role(
            chapter=chapter,
            actor=actor_of(request),
            user=person,
            name=given["name"],
            role=given["role"],
            until=given["until"],
            takes_reports=given["takes_reports"],
            at=timezone.now(),
        )
    except roles.RoleRefused as refused:
        form.add_error(None, str(refused))
        return _page(request, chapter, form, status=422)
    messages.success(request, f"{made.shown_name} is {made.get_role_display().lower()} now.")
    return redirect("events:chapter_people", chapter.slug)


@require_POST
@for_chapter_leads
def change_role(request: HttpRequest, chapter: Chapter, pk: int) -> HttpResponse:
    """Another role, another last day."""
    membership = get_object_or_404(ChapterMembership, pk=pk, chapter=chapter)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a role, and a day such as 2027-03-31 or none.")
        return redirect("events:chapter_people", chapter.slug)
    try:
        roles.change_role(
            membership=membership, actor=actor_of(request), at=timezone.now(), **form.cleaned_data
        )
    except roles.RoleRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The role of {membership.shown_name} is saved.")
    return redirect("events:chapter_people", chapter.slug)


@require_POST
@for_chapter_leads
def end_role(request: HttpRequest, chapter: Chapter, pk: int) -> HttpResponse:
    """Take a role back."""
    membership = get_object_or_404(ChapterMembership.objects.select_related("user"), pk=pk, chapter=chapter)
    try:
        roles.end_role(membership=membership, actor=actor_of(request), at=timezone.now())
    except roles.RoleRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The role of {membership.shown_name} has ended.")
    if membership.user_id == actor_of(request).pk:
        return redirect("events:chapter", chapter.slug)
    return redirect("events:chapter_people", chapter.slug)


@require_POST
@for_chapter_leads
def offer_lead(request: HttpRequest, chapter: Chapter, pk: int) -> HttpResponse:
    """Ask an organizer to take over."""
    membership = get_object_or_404(ChapterMembership, pk=pk, chapter=chapter)
    try:
        roles.offer_lead(membership=membership, actor=actor_of(request), at=timezone.now())
    except roles.RoleRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{membership.shown_name} is asked. You lead until they say yes.")
    return redirect("events:chapter_people", chapter.slug)


@require_POST
@login_required
def answer_lead_offer(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Yes or no to leading; whoever offered may take it back."""
    membership = _of_chapter(request, slug, pk, allow_leads=True)
    try:
        roles.answer_lead_offer(
            membership=membership,
            actor=actor_of(request),
            accept=request.POST.get("answer") == "yes",
            at=timezone.now(),
        )
    except roles.RoleRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Done: your answer counts from now on.")
    return redirect("events:chapter", slug)


@require_POST
@login_required
def leave_role(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Lay down one's own role."""
    membership = _of_chapter(request, slug, pk, allow_leads=False)
    try:
        roles.end_role(membership=membership, actor=actor_of(request), at=timezone.now())
    except roles.RoleRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "You have laid the role down. Thank you for what you did.")
    return redirect("events:chapter", slug)


def _of_chapter(request: HttpRequest, slug: str, pk: int, *, allow_leads: bool) -> ChapterMembership:
    """The row ``pk`` if it is the reader's own; with ``allow_leads`` also for those who may take an offer back."""
    found = ChapterMembership.objects.select_related("chapter", "user")
    membership = get_object_or_404(found, pk=pk, chapter__slug=slug)
    if membership.user_id == actor_of(request).pk:
        return membership
    if (
        allow_leads
        and request.POST.get("answer") == "no"
        and can_lead_chapter(request.user, membership.chapter)
    ):
        return membership
    raise Http404
