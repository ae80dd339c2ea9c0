"""The same as a page shows, for programs: JSON and CSV."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from labtools.queries.sources import Source
from portal.csv_file import as_csv


def source_json(source: Source) -> dict[str, Any]:
    """Where an answer comes from and from when; ``permanent_key`` asks for the same for ever."""
    return {
        "key": source.key,
        "permanent_key": source.permanent_key,
        "host": source.host.slug,
        "host_name": source.host.name,
        "is_reference": source.host.is_reference,
        "snapshot": source.snapshot.digest,
        "target": source.emulator.target,
        "version": source.emulator.version,
        "package": source.emulator.package,
        "taken_at": source.snapshot.taken_at.isoformat(),
        "seen_at": source.seen_at.isoformat(),
    }


def json_answer(request: HttpRequest, data: Mapping[str, Any]) -> JsonResponse:
    """``data`` with the address of the page that shows it to people."""
    page = settings.SITE_URL + request.get_full_path().replace(".json", "/", 1)
    return JsonResponse({"page": page, **data}, json_dumps_params={"indent": 1})


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A table as a file ``<name>.csv``; no cell is one that a spreadsheet would run. ``name`` is ours, not a host's."""
    return HttpResponse(
        as_csv([header, *rows]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
