"""Chapters by city, and one chapter: read by everybody, described by its organizers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from events import queries
from events.forms.chapters import ChapterForm
from events.forms.follows import FollowByEmailForm, NotifyForm
from events.models import Chapter
from events.permissions import can_lead_chapter, can_manage_chapter
from events.services import chapters
from events.views.access import actor_of, for_chapter_organizers
from portal.accounts.forms import time_zone_names


@require_safe
def chapter_list(request: HttpRequest) -> HttpResponse:
    """Chapters by city; those that are proposed, with how many want them, after those that live."""
    found = list(queries.listed_chapters(at=timezone.now()))
    context = {
        "chapters": [one for one in found if one.status != Chapter.Status.PROPOSED],
        "proposed": [one for one in found if one.status == Chapter.Status.PROPOSED],
    }
    response = render(request, "events/chapter_list.html", context)
    response["Permissions-Policy"] = "geolocation=(self)"  # to sort by distance, in the browser alone
    return response


@require_safe
def chapter_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One chapter: who runs it, its meetups to come and past, and how to take part."""
    chapter = get_object_or_404(queries.readable_chapters(request.user), slug=slug)
    page = queries.chapter_page(chapter, request.user, at=timezone.now())
    context = {
        "page": page,
        "chapter": chapter,
        "can_manage": request.user.is_authenticated and can_manage_chapter(request.user, chapter),
        "follow_form": NotifyForm(initial={"notify": page.follow.notify}) if page.follow else None,
        "email_form": FollowByEmailForm(auto_id="follow_%s"),
    }
    return render(request, "events/chapter_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_chapter_organizers
def edit_chapter(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """What the chapter says about itself."""
    can_archive = can_lead_chapter(request.user, chapter)
    form = ChapterForm(request.POST or None, instance=chapter, can_archive=can_archive)
    if request.method == "POST" and form.is_valid():
        chapters.change_chapter(chapter=chapter, actor=actor_of(request), changes=form.changes)
        messages.success(request, "The chapter’s page is saved.")
        return redirect("events:chapter", chapter.slug)
    context = {"chapter": chapter, "form": form, "tab": "edit", "time_zones": time_zone_names()}
    return render(request, "events/chapter_edit.html", context)
