"""The pictures of a report: the file's clusters, and the guest's disk."""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labtools import atlas_json, atlas_page, cluster_facts, header_rows, queries
from labtools.models import ImageCheck

if TYPE_CHECKING:
    from labtools.qcow2 import Atlas


@require_safe
@never_cache
def file_map(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """A part of the file in cells, and what one cluster of it is for."""
    check, atlas = _mapped(request, check_id)
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
    check, atlas = _mapped(request, check_id)
    names = header_rows.snapshot_names((check.result or {}).get("header"))
    layer = _layer(request, atlas)
    view = atlas_page.view_of(request.GET, atlas.cluster_size, atlas.layers[layer].clusters)
    file = reverse("labtools:report_map", args=[check.pk])
    context = {
        "check": check,
        "kind": "disk",
        "layer": atlas_page.layer_key(atlas.layers[layer].snapshot),
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


@require_safe
@never_cache
def file_map_json(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """The same cells and the same cluster as data."""
    _, atlas = _mapped(request, check_id)
    view = atlas_page.view_of(request.GET, atlas.cluster_size, atlas.clusters)
    return _data(view, lambda: atlas_json.file_json(atlas, view))


@require_safe
@never_cache
def disk_map_json(request: HttpRequest, check_id: uuid.UUID) -> HttpResponse:
    """The same of the guest's disk."""
    _, atlas = _mapped(request, check_id)
    layer = _layer(request, atlas)
    view = atlas_page.view_of(request.GET, atlas.cluster_size, atlas.layers[layer].clusters)
    return _data(view, lambda: atlas_json.disk_json(atlas, layer, view))


def _mapped(request: HttpRequest, check_id: uuid.UUID) -> "tuple[ImageCheck, Atlas]":
    check = get_object_or_404(ImageCheck.objects.visible_to(request.user), pk=check_id)
    atlas = queries.atlas_of(check)
    if atlas is None:
        raise Http404
    return check, atlas


def _layer(request: HttpRequest, atlas: "Atlas") -> int:
    keys = [atlas_page.layer_key(layer.snapshot) for layer in atlas.layers]
    key = request.GET.get("layer", keys[0])
    if key not in keys or not atlas.layers[keys.index(key)].clusters:
        raise Http404
    return keys.index(key)


def _data(view: atlas_page.View, answer: Callable[[], dict[str, Any]]) -> HttpResponse:
    """What cannot be followed is an error here: a program does not see that it was given something else."""
    status, said = (400, {"error": view.problem}) if view.problem else (200, answer())
    return JsonResponse(said, status=status, headers={"X-Robots-Tag": "noindex, nofollow"})


def _page(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    asked = request.GET.urlencode()
    data_url = request.path.removesuffix("/") + ".json" + (f"?{asked}" if asked else "")
    response = render(request, "labtools/report_map.html", context | {"data_url": data_url})
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
