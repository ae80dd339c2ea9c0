"""The missing-module adviser, also as JSON and CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.exports import csv_answer, json_answer, source_json
from labtools.labhost.modules import Advice
from labtools.labhost.public_words import without_paths
from labtools.queries.modules import ModulesOf, modules_of
from labtools.views.choice import several_sources


def _found(request: HttpRequest) -> tuple[ModulesOf, ...]:
    available, chosen = several_sources(request)
    return modules_of(chosen or available)


@require_safe
def modules(request: HttpRequest) -> HttpResponse:
    """Every device type that is dead or absent for want of a module, and the package that brings it back."""
    found = _found(request)
    context = {
        "tab": "devices",
        "columns": [one.source for one in found],
        "lacking": [one for one in found if one.dead or one.absent],
        "whole": [one.source for one in found if not (one.dead or one.absent)],
    }
    return render(request, "labtools/modules.html", context)


def _advice_json(advice: Advice) -> dict[str, Any]:
    return {
        "device": advice.device,
        "cause": advice.cause.value,
        "file": advice.file or None,
        "package": advice.package or None,
        "basis": advice.basis.value,
        "install": advice.install or None,
        "find": advice.find or None,
        "check": advice.check,
    }


@require_safe
def modules_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    hosts = [
        {
            "source": source_json(one.source),
            "distribution": one.distribution.name or None,
            "died": [
                {**_advice_json(dead.advice), "last_words": without_paths(dead.device.last_words)}
                for dead in one.dead
            ],
            "absent": [_advice_json(advice) for advice in one.absent],
        }
        for one in _found(request)
    ]
    return json_answer(request, {"hosts": hosts})


@require_safe
def modules_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table."""
    rows = []
    for one in _found(request):
        advices = [("died", dead.advice, without_paths(dead.device.last_words)) for dead in one.dead]
        advices += [("not listed", advice, "") for advice in one.absent]
        rows += [
            [one.source.label, advice.device, state, words, advice.file, advice.package, advice.install]
            for state, advice, words in advices
        ]
    return csv_answer(
        "modules", ("host", "device type", "state", "last words", "file", "package", "install"), rows
    )
