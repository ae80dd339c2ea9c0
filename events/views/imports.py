"""Importing meetups into a chapter: a file, what would become of it, and the same done."""

from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from events.forms.imports import ImportForm
from events.imports.entries import MOST_BYTES, ImportRefused
from events.imports.from_meetup_com import COLUMNS
from events.models import Chapter
from events.services.imports import import_meetups, plan_import, read_file
from events.views.access import actor_of, for_chapter_organizers
from portal.file_uploads import takes_files

#: Seconds for which a file waits for its confirmation.
WAITS = 3600


def _key(request: HttpRequest, chapter: Chapter) -> str:
    """Where the file of this member and chapter waits: one each, so that nobody fills the cache."""
    return f"import:{actor_of(request).pk}:{chapter.pk}"


@takes_files(most_bytes=2 * MOST_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
@for_chapter_organizers
def import_file(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """A form for a file; sent, it shows what the file would do and changes nothing."""
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    if not form.is_valid():
        return _form(request, chapter, form)
    data, now = form.cleaned_data["file"].read(), timezone.now()
    shows_coming = form.cleaned_data["shows_coming"]
    try:
        reading = read_file(data, chapter=chapter, at=now)
    except ImportRefused as refused:
        form.add_error("file", str(refused))
        return _form(request, chapter, form)
    plan = plan_import(chapter=chapter, reading=reading, shows_coming=shows_coming, at=now)
    cache.set(_key(request, chapter), {"data": data, "shows_coming": shows_coming}, WAITS)
    return render(request, "events/import_plan.html", {"chapter": chapter, "plan": plan})


@require_POST
@for_chapter_organizers
def import_confirm(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """Do what was shown. A second time changes nothing more."""
    waiting: dict[str, Any] | None = cache.get(_key(request, chapter))
    if not waiting:
        messages.error(request, "The file is not kept any more. Send it again.")
        return redirect("events:import_file", chapter.slug)
    now = timezone.now()
    try:
        reading = read_file(waiting["data"], chapter=chapter, at=now)
        plan = import_meetups(
            chapter=chapter,
            actor=actor_of(request),
            reading=reading,
            shows_coming=waiting["shows_coming"],
            at=now,
        )
    except ImportRefused as refused:
        messages.error(request, str(refused))
        return redirect("events:import_file", chapter.slug)
    cache.delete(_key(request, chapter))
    new, changed = len(plan.new), len(plan.changed)
    messages.success(request, f"Imported: {new} new, {changed} changed. Nobody was mailed.")
    return redirect(chapter)


def _form(request: HttpRequest, chapter: Chapter, form: ImportForm) -> HttpResponse:
    context = {"chapter": chapter, "form": form, "columns": COLUMNS}
    return render(request, "events/import_form.html", context)
