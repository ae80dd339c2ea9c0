"""A chapter's archive, for its organizers to keep."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from events.models import Chapter
from events.queries.chapter_archive import write_archive
from events.services.audit import note_act
from events.views.access import actor_of, for_chapter_organizers


@require_http_methods(["GET", "HEAD", "POST"])
@for_chapter_organizers
def chapter_archive(request: HttpRequest, chapter: Chapter) -> HttpResponse:
    """What is in it on GET, the zip on POST."""
    if request.method != "POST":
        return render(request, "events/chapter_archive.html", {"chapter": chapter, "tab": "archive"})
    data = write_archive(chapter)
    note_act("export_chapter", actor=actor_of(request), chapter=chapter)
    return HttpResponse(
        data,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{chapter.slug}.zip"'},
    )
