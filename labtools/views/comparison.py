"""Two QEMUs beside each other, also as JSON and CSV."""

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labtools.exports import csv_answer, json_answer, source_json
from labtools.labhost.comparison import FieldChange, PropertyChange
from labtools.list_parts import ListPart, first_of, page_of
from labtools.queries.comparison import SHOWS, Comparison, compare, default_pair, older_snapshots
from labtools.queries.sources import Source, find_source, sources
from labtools.views.choice import nothing_yet

#: Rows of each section; all of one are on pages of its own.
FIRST = 20
SECTIONS = ("machines", "cpus", "devices", "options", "objects")


@dataclass(frozen=True)
class _Asked:
    available: tuple[Source, ...]
    pair: tuple[Source, Source] | None
    show: str
    q: str

    def comparison(self) -> Comparison | None:
        """What the address asks for; None while there are no two sources."""
        return compare(*self.pair, self.show, self.q) if self.pair else None

    def query(self, *pair: Source) -> str:
        """The query string of this page with both sides pinned."""
        rest = [(name, value) for name, value in (("show", self.show), ("q", self.q)) if value]
        return urlencode([("a", pair[0].permanent_key), ("b", pair[1].permanent_key), *rest])


def _asked(request: HttpRequest) -> _Asked:
    available = sources(request.user)
    by_key = {source.key: source for source in available}
    # A link from the page of one QEMU names that one only.
    a, b = request.GET.get("a", ""), request.GET.get("b", "") or request.GET.get("on", "")
    pair = default_pair(available)
    if a or b:
        sides = [by_key.get(key) or find_source(request.user, key) if key else None for key in (a, b)]
        pair = _completed(available, sides[0], sides[1])
    return _Asked(available, pair, request.GET.get("show", ""), request.GET.get("q", "")[:100])


def _completed(
    available: tuple[Source, ...], before: Source | None, after: Source | None
) -> tuple[Source, Source] | None:
    """Both sides; one that is not named is the version next to the other."""
    if before and after:
        return before, after
    known = before or after
    assert known is not None
    others = [one for one in available if one.emulator.key == known.emulator.key and one.key != known.key]
    if not others:
        return known, known
    if after:
        older = [one for one in others if one.version_key <= after.version_key]
        return max(older or others, key=lambda one: one.version_key), after
    newer = [one for one in others if one.version_key >= known.version_key]
    return known, min(newer or others, key=lambda one: one.version_key)


def _parts(found: Comparison, section: str, number: str) -> dict[str, ListPart]:
    """The sections that have rows: the first of each, or one page of the one that was asked for."""
    rows = {name: getattr(found, name) for name in SECTIONS}
    if rows.get(section):
        return {section: page_of(section, rows[section], number)}
    return {name: first_of(name, rows[name], FIRST) for name in SECTIONS if rows[name]}


@require_safe
def comparison(request: HttpRequest) -> HttpResponse:
    """What differs between two QEMUs: hosts, versions, targets, or one host then and now."""
    asked = _asked(request)
    context: dict[str, Any] = {"tab": "compare", "sources": asked.available, "pair": asked.pair}
    if asked.pair:
        before, after = asked.pair
        found = compare(before, after, asked.show, asked.q)
        section = request.GET.get("section", "")
        parts = _parts(found, section, request.GET.get("page", ""))
        context |= {
            "is_one_section": any(part.page for part in parts.values()),
            "parts": parts,
            "before": before,
            "after": after,
            "found": found,
            "older": older_snapshots(
                request.user, (before.host, after.host), (before.emulator.key, after.emulator.key)
            ),
            "shows": [(value, label) for value, label, _ in SHOWS],
            "show": asked.show,
            "q": asked.q,
            "permanent": asked.query(before, after),
        }
    return render(request, "labtools/compare.html", context)


def _found(request: HttpRequest) -> Comparison:
    found = _asked(request).comparison()
    if found is None:
        raise nothing_yet()
    return found


@require_safe
def comparison_json(request: HttpRequest) -> JsonResponse:
    """The same as data."""
    found = _found(request)
    return json_answer(
        request,
        {
            "before": source_json(found.before),
            "after": source_json(found.after),
            "facts": _fields(found.facts),
            "machines": [
                {"name": one.name, "change": one.kind.value, "fields": _fields(one.fields)}
                for one in found.machines
            ],
            "aliases": [asdict(one) for one in found.aliases],
            "cpus": [
                {
                    "name": one.name,
                    "accelerator": one.accelerator,
                    "change": one.kind.value,
                    "fields": _fields(one.fields),
                    "now_missing": list(one.now_missing),
                    "no_longer_missing": list(one.no_longer_missing),
                }
                for one in found.cpus
            ],
            "devices": [
                {"name": one.name, "change": one.kind.value, "fields": _fields(one.fields)}
                for one in found.devices
            ],
            "options": [{**_option(one.change), "devices": list(one.devices)} for one in found.options],
            "objects": [{"name": one.name, "change": one.kind.value} for one in found.objects],
        },
    )


def _fields(fields: tuple[FieldChange, ...]) -> dict[str, dict[str, str]]:
    return {one.field: {"before": one.before, "after": one.after} for one in fields}


def _option(change: PropertyChange) -> dict[str, Any]:
    one = change.before or change.after
    return {
        "name": change.name,
        "type": one.type if one else "",
        "change": change.kind.value,
        "fields": _fields(change.fields),
    }


@require_safe
def comparison_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table: one row for each difference, an option once for each device type."""
    return csv_answer("comparison", ("section", "of", "name", "change", "what"), _rows(_found(request)))


def _words(fields: tuple[FieldChange, ...]) -> str:
    return "; ".join(f"{one.field}: {one.before or 'none'} to {one.after or 'none'}" for one in fields)


def _rows(found: Comparison) -> list[list[str]]:
    rows = [["fact", "", one.field, "changed", f"{one.before} to {one.after}"] for one in found.facts]
    rows += [["machine type", "", one.name, one.kind.value, _words(one.fields)] for one in found.machines]
    rows += [
        ["alias", "", one.alias or "default", "changed", f"{one.before or 'none'} to {one.after or 'none'}"]
        for one in found.aliases
    ]
    for cpu in found.cpus:
        missing = [f"lacks {name}" for name in cpu.now_missing] + [
            f"has {name}" for name in cpu.no_longer_missing
        ]
        what = "; ".join(part for part in (_words(cpu.fields), ", ".join(missing)) if part)
        rows.append(["CPU model", cpu.accelerator, cpu.name, cpu.kind.value, what])
    rows += [["device type", "", one.name, one.kind.value, _words(one.fields)] for one in found.devices]
    rows += [
        ["option", device, one.change.name, one.change.kind.value, _words(one.change.fields)]
        for one in found.options
        for device in one.devices
    ]
    return rows + [["object", "", one.name, one.kind.value, ""] for one in found.objects]
