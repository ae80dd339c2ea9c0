"""Reporting a problem and handling it, blocking somebody, and the log of organizers' acts."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.forms.care import BlockForm, HandleForm, ReportForm
from events.models import Block, Chapter, Person, ProblemReport
from events.permissions import can_read_report
from events.queries import care as queries
from events.services import care
from events.views.access import (
    actor_of,
    for_chapter_leads,
    for_chapter_organizers,
    for_report_readers,
)
from events.views.limits import too_often

PER_PAGE = 50


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report_problem(request: HttpRequest, slug: str) -> HttpResponse:
    """For everybody, signed in or not: tell the people named. The answer shows nothing of what was written."""
    chapter = get_object_or_404(Chapter.objects.visible_to(request.user), slug=slug)
    named = queries.named_for_reports(chapter, at=timezone.now())
    form = ReportForm(
        request.POST or None, chapter=chapter, named=named, is_member=request.user.is_authenticated
    )
    if request.method == "POST" and form.is_valid():
        if refusal := too_often(request, "problem_report"):
            return refusal
        given = form.cleaned_data
        kept = {int(pk) for pk in given.get("kept_from", [])}
        care.report_problem(
            chapter=chapter,
            text=given["text"],
            contact=given["contact"],
            meetup=given["meetup"],
            reporter=actor_of(request) if given.get("names_me") else None,
            kept_from=[one.user for one in named if one.user and one.user.pk in kept],
        )
        messages.success(request, "Your report has arrived. Thank you for telling us.")
        return redirect(chapter)
    return render(
        request, "events/problem_report_form.html", {"chapter": chapter, "form": form, "named": named}
    )


@require_safe
@for_report_readers
def problem_reports(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """The reports to the chapter that the reader may see."""
    found = queries.reports_for(actor_of(request), chapter)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "events/problem_reports.html", {"chapter": chapter, "tab": "reports", "page": page}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_report_readers
def problem_report(request: HttpRequest, chapter: Chapter, pk: int) -> HttpResponse:
    """One report: what it says, and what is done about it."""
    found = ProblemReport.objects.select_related("chapter", "meetup", "reporter", "handled_by")
    report = get_object_or_404(found, pk=pk, chapter=chapter)
    if not can_read_report(request.user, report):
        raise Http404
    form = HandleForm(request.POST or None, instance=report, auto_id="handle_%s")
    if request.method == "POST" and form.is_valid():
        fresh = found.get(pk=report.pk)
        care.handle_report(report=fresh, actor=actor_of(request), at=timezone.now(), **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("events:problem_reports", chapter.slug)
    context = {"chapter": chapter, "tab": "reports", "report": report, "form": form}
    return render(request, "events/problem_report.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_chapter_organizers
def blocks(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """Who is kept out, and a form to keep somebody out; ``?rsvp=`` chooses whoever signed up."""
    known = _signed_up(chapter, request.GET.get("rsvp", ""))
    form = BlockForm(request.POST or None, initial={"rsvp": request.GET.get("rsvp")} if known else None)
    if request.method == "POST" and form.is_valid():
        if person := _person(chapter, form):
            try:
                block = care.block_person(
                    chapter=chapter,
                    actor=actor_of(request),
                    person=person,
                    reason=form.cleaned_data["reason"],
                )
            except care.CareRefused as refused:
                messages.error(request, str(refused))
            else:
                messages.success(request, f"{block.shown_name} is blocked.")
            return redirect("events:chapter_blocks", chapter.slug)
        raise Http404
    found = Block.objects.filter(chapter=chapter).select_related("user", "blocked_by")
    page = Paginator(found.order_by("-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"chapter": chapter, "tab": "blocks", "page": page, "form": form, "known": known}
    return render(request, "events/chapter_blocks.html", context)


def _signed_up(chapter: Chapter, pk: str) -> Person | None:
    is_number = pk.isascii() and pk.isdigit() and len(pk) < 19
    return care.person_of_sign_up(chapter, int(pk)) if is_number else None


def _person(chapter: Chapter, form: BlockForm) -> Person | None:
    """Whoever the form names: by sign-up to one of the chapter's meetups, otherwise by address."""
    if pk := form.cleaned_data["rsvp"]:
        return care.person_of_sign_up(chapter, pk)
    return Person(email=form.cleaned_data["email"].lower())


@require_POST
@for_chapter_organizers
def unblock(request: HttpRequest, chapter: Chapter, pk: int) -> HttpResponse:
    """Let somebody in again."""
    block = get_object_or_404(Block.objects.select_related("chapter", "user"), pk=pk, chapter=chapter)
    care.unblock_person(block=block, actor=actor_of(request))
    messages.success(request, f"{block.shown_name} is no longer blocked.")
    return redirect("events:chapter_blocks", chapter.slug)


@require_safe
@for_chapter_leads
def acts(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """What was done in the chapter's name, and by whom."""
    page = Paginator(queries.acts_of(chapter), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "events/chapter_acts.html", {"chapter": chapter, "tab": "acts", "page": page})
