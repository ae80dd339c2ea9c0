"""Photos: the organizers' page, and the pictures themselves for whoever may see their meetup."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.forms.organizing import PhotoForm
from events.models import Meetup, Photo
from events.services.life import MeetupRefused
from events.services.photos import add_photo, remove_photo
from events.views.access import actor_of, for_meetup_organizers
from portal.file_uploads import takes_files
from portal.pictures_sent import MAX_BYTES, PictureRefused

#: A picture that was taken away may stay in caches for so long, in seconds.
_KEPT = 600


@takes_files(most_bytes=MAX_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
@for_meetup_organizers
def photos(request: HttpRequest, meetup: Meetup) -> HttpResponse:
    """The photos of a meetup, and one more."""
    form = PhotoForm(request.POST, request.FILES) if request.method == "POST" else PhotoForm()
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            add_photo(
                meetup=meetup,
                actor=actor_of(request),
                file=data["image"].file,
                alt=data["alt"],
                has_consent=data["has_consent"],
            )
        except (PictureRefused, MeetupRefused) as refused:
            form.add_error("image", str(refused))
        else:
            messages.success(request, "The photo is on the meetup's page.")
            return redirect("events:photos", meetup.slug)
    context = {
        "meetup": meetup,
        "is_past": meetup.is_past(timezone.now()),
        "form": form,
        "photos": meetup.photos.select_related("uploaded_by"),
    }
    return render(request, "events/photos.html", context, status=422 if form.errors else 200)


@require_POST
@for_meetup_organizers
def remove(request: HttpRequest, meetup: Meetup, photo: int) -> HttpResponse:
    """Take a photo away."""
    found = get_object_or_404(Photo.objects.select_related("meetup__chapter"), pk=photo, meetup=meetup)
    remove_photo(photo=found, actor=actor_of(request))
    messages.success(request, "The photo is gone.")
    return redirect("events:photos", meetup.slug)


@require_safe
def picture(request: HttpRequest, slug: str, photo: int) -> HttpResponseBase:
    """One picture. The headers make a file that is something else after all harmless."""
    seen = Meetup.objects.visible_to(request.user).filter(slug=slug)
    found = get_object_or_404(Photo.objects.select_related("meetup"), pk=photo, meetup__in=seen)
    is_draft = found.meetup.status == Meetup.Status.DRAFT
    try:
        stream = found.image.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(
        stream,
        content_type="image/jpeg",
        headers={
            "Content-Disposition": "inline",
            "Content-Security-Policy": "default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store" if is_draft else f"public, max-age={_KEPT}",
        },
    )
