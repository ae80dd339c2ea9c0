"""The matrix “can I use this?”, also as JSON and CSV."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.exports import csv_answer, json_answer, source_json
from labtools.queries.matrix import Matrix, matrix, questions
from labtools.queries.sources import Source
from labtools.views.choice import nothing_yet, of_target, several_sources, targets

#: What somebody who has no question yet may try, by target.
EXAMPLES = ("virtio-net-pci.rss", "virtio-blk-pci.scsi", "qxl", "pc-i440fx-2.0", "Haswell-v2")


def _columns(request: HttpRequest) -> tuple[tuple[str, ...], str, tuple[Source, ...]]:
    """All targets, the chosen one, and the columns: those of ``on=``, else all of the target."""
    available, chosen = several_sources(request)
    known = targets(available)
    target = request.GET.get("target", "")
    if chosen:
        return known, target if target in known else chosen[0].target, chosen
    target = target if target in known else (known[0] if known else "")
    return known, target, of_target(available, target)


@require_safe
def matrix_page(request: HttpRequest) -> HttpResponse:
    """Whether devices, options, machine types and CPU models can be used, on each version and host."""
    known, target, columns = _columns(request)
    asked = questions(request.GET.getlist("q"))
    context = {
        "tab": "matrix",
        "targets": known,
        "target": target,
        "columns": columns,
        "asked": asked,
        "found": matrix(columns, asked) if asked else None,
        "examples": EXAMPLES,
    }
    return render(request, "labtools/matrix.html", context)


def _answers(request: HttpRequest) -> Matrix:
    _, _, columns = _columns(request)
    if not columns:
        raise nothing_yet()
    return matrix(columns, questions(request.GET.getlist("q")))


@require_safe
def matrix_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    found = _answers(request)
    rows = [
        {
            "kind": row.kind.value,
            "name": row.name,
            "device": row.part_of or None,
            "answers": {
                cell.source.key: {"answer": cell.word.value, "detail": cell.detail} for cell in row.cells
            },
        }
        for row in found.rows
    ]
    unknown = [{"question": one.question, "near": list(one.near)} for one in found.unknown]
    sources = [source_json(source) for source in found.columns]
    return json_answer(request, {"sources": sources, "rows": rows, "unknown": unknown})


@require_safe
def matrix_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table."""
    found = _answers(request)
    rows = (
        [
            row.kind.value,
            f"{row.part_of}.{row.name}" if row.part_of else row.name,
            *(f"{cell.word.value}: {cell.detail}" if cell.detail else cell.word.value for cell in row.cells),
        ]
        for row in found.rows
    )
    return csv_answer("can-i-use", ("kind", "name", *(source.label for source in found.columns)), rows)
