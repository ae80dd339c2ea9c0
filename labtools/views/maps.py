"""The pictures of a report: the file's clusters, and the guest's disk."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labtools import atlas_page, cluster_facts, header_rows, queries
from labtools.models import ImageCheck


@require_safe
@never_cache
def file_map(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """A part of the file in cells, and what one cluster of it is for."""
    check = get_object_or_404(ImageCheck.objects.visible_to(request.user), pk=check_id)
    atlas = queries.atlas_of(check)
    if atlas is None:
        raise Http404
    names = header_rows.snapshot_names((check.result or {}).get("header"))
    view = atlas_page.view_of(request.GET, atlas.cluster_size, atlas.clusters)
    disk = reverse("labtools:report_disk", args=[check.pk])
    context = {
        "check": check,
        "kind": "file",
        "view": view,
        "picture": atlas_page.file_picture(atlas, view),
        "map_caution": queries.map_caution(check),
        "cluster": None if view.at is None else cluster_facts.host_cluster(atlas, view.at, names, disk),
        "at": "" if view.at is None else hex(view.at * atlas.cluster_size),
    }
    return _page(request, context)


@require_safe
@never_cache
def disk_map(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """A part of the guest's disk in one layer, the same way."""
    check = get_object_or_404(ImageCheck.objects.visible_to(request.user), pk=check_id)
    atlas = queries.atlas_of(check)
    if atlas is None:
        raise Http404
    names = header_rows.snapshot_names((check.result or {}).get("header"))
    keys = [atlas_page.layer_key(layer.snapshot) for layer in atlas.layers]
    key = request.GET.get("layer", keys[0])
    if key not in keys or not atlas.layers[keys.index(key)].clusters:
        raise Http404
    layer = keys.index(key)
    view = atlas_page.view_of(request.GET, atlas.cluster_size, atlas.layers[layer].clusters)
    file = reverse("labtools:report_map", args=[check.pk])
    context = {
        "check": check,
        "kind": "disk",
        "layer": key,
        "layer_name": atlas_page.layer_name(atlas.layers[layer].snapshot, names),
        "strips": atlas_page.strips(atlas, names),
        "layers_more": atlas.layers_more,
        "view": view,
        "picture": atlas_page.disk_picture(atlas, layer, view),
        "cluster": None
        if view.at is None
        else cluster_facts.guest_cluster(atlas, layer, view.at, names, file),
        "at": "" if view.at is None else hex(view.at * atlas.cluster_size),
    }
    return _page(request, context)


def _page(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    response = render(request, "labtools/report_map.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
