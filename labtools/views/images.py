"""The lab's front page, and the pages of image checks."""

import uuid
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from labtools import atlas_page, header_rows, index_page, queries, report_comparison, report_page, sandbox
from labtools.forms import OtherReportForm, VisibilityForm
from labtools.models import ImageCheck, RepairPatch
from labtools.services import checks, samples
from portal.accounts.models import User


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What the lab can do, and what is new on its hosts."""
    context = {
        "tab": "overview",
        "questions": index_page.questions(),
        "tools": index_page.tools(),
        "changes": index_page.newest_changes(request.user),
        "samples": queries.sample_reports(),
        "max_bytes": settings.UPLOAD_MAX_BYTES,
    }
    return render(request, "labtools/index.html", context)


def _visible_check(request: HttpRequest, check_id: uuid.UUID) -> ImageCheck:
    return get_object_or_404(ImageCheck.objects.visible_to(request.user), pk=check_id)


def _own_check(request: HttpRequest, check_id: uuid.UUID) -> ImageCheck:
    """The check if it is the member's own; what they may see but not change is a 403, what they may not see a 404."""
    check = _visible_check(request, check_id)
    if not check.is_owned_by(request.user):
        raise PermissionDenied
    return check


@require_safe
@vary_on_headers("HX-Request")
@never_cache
def report(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """The report of one image, or the stages of the check while it is at work. htmx asks for the part that changes."""
    check = _visible_check(request, check_id)
    is_finished = check.state == ImageCheck.State.FINISHED
    atlas = queries.atlas_of(check)
    context = {
        "check": check,
        "is_owner": check.is_owned_by(request.user),
        "address": settings.SITE_URL + check.get_absolute_url(),
        "stages": report_page.stages(check),
        "page": report_page.report_page(check, settings.SITE_URL + check.get_absolute_url())
        if is_finished
        else None,
        "maps": None
        if atlas is None
        else atlas_page.overview(atlas, header_rows.snapshot_names((check.result or {}).get("header"))),
        "map_caution": queries.map_caution(check),
        "visibilities": ImageCheck.Visibility.choices,
        "is_stage_new": request.GET.get("stage") != check.stage,
    }
    part = "#status" if "HX-Request" in request.headers else ""
    return render(request, f"labtools/report.html{part}", context)


@require_safe
@never_cache
def report_json(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """The same as data, whole."""
    check = _visible_check(request, check_id)
    headers = {"X-Robots-Tag": "noindex"}
    return JsonResponse(queries.check_as_json(check), headers=headers, json_dumps_params={"indent": 1})


@require_safe
@never_cache
def report_compare(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """This report beside another one: what a repair has changed. Until one is chosen, what there is to choose from."""
    check = get_object_or_404(
        ImageCheck.objects.visible_to(request.user), pk=check_id, state=ImageCheck.State.FINISHED
    )
    form = OtherReportForm(request.GET, user=request.user, than=check)
    pair: list[ImageCheck] = []
    if form.is_valid():
        pair = sorted((check, form.cleaned_data["other"]), key=lambda each: each.created_at)
    context = {
        "check": check,
        "form": form,
        "pair": pair,
        "comparison": report_comparison.compare_reports(*pair) if pair else None,
        "own": queries.comparable_with(check, request.user),
    }
    response = render(request, "labtools/report_compare.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@require_safe
@never_cache
def report_patch(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """What a repair would write, for ``apply-patch``; 404 where there is no such preview."""
    kept = get_object_or_404(RepairPatch, image_check=_visible_check(request, check_id))
    headers = {
        "Content-Disposition": 'attachment; filename="repair.patch"',
        "X-Robots-Tag": "noindex",
    }
    return HttpResponse(bytes(kept.data), content_type="application/octet-stream", headers=headers)


@require_POST
@login_required
def report_visibility(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """The owner chooses who may see it."""
    check = _own_check(request, check_id)
    form = VisibilityForm(request.POST)
    if not form.is_valid():
        raise BadRequest("unknown visibility")
    checks.change_visibility(check=check, visibility=form.cleaned_data["visibility"])
    messages.success(
        request, "Saved: " + dict(ImageCheck.Visibility.choices)[form.cleaned_data["visibility"]] + "."
    )
    return redirect(check)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def report_delete(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """Ask once, then delete the report and, if it is still here, the file."""
    check = _own_check(request, check_id)
    if request.method != "POST":
        return render(request, "labtools/report_delete.html", {"check": check})
    checks.delete_image_check(check=check)
    messages.success(request, "The report is deleted.")
    return redirect("labtools:image_list")


@require_POST
@login_required
def check_sample(request: HttpRequest, sample: str) -> HttpResponse:
    """Check a copy of a ready sample as one's own, and watch it."""
    if sample not in sandbox.SAMPLES:
        raise Http404
    try:
        check = samples.request_sample_check(user=cast(User, request.user), sample=sample)
    except (checks.TooManyChecks, checks.SampleMissing) as refusal:
        messages.error(request, str(refusal))
        return redirect("labtools:image_list")
    return redirect(check)
