"""The blocks themselves. Each says which host it speaks of, with version and date, and leads to the whole answer.

They show what an anonymous visitor may see, whoever wrote the article or reads it.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.urls import reverse

from labtools import device_page
from labtools.embeds import names
from labtools.models import LabHost
from labtools.qcow2 import HEADER_FIELDS
from labtools.queries import facts
from labtools.queries.cards import card as find_card
from labtools.queries.cpus import cpu_table
from labtools.queries.devices import sources_with
from labtools.queries.matrix import matrix
from labtools.queries.sources import Source, choose_default, sources
from portal.embeds.drawing import draw
from portal.embeds.names import Candidate
from portal.embeds.registry import Embed, register

#: Rows of a block; the page that it leads to has all of them.
ROWS = 8
_NOBODY = None


def register_all() -> None:
    """Let articles show the lab's blocks."""
    for name, example, says, draws in (
        ("qemu-device", "virtio-net-pci", "A device type with its first options.", _device),
        (
            "qemu-matrix",
            "virtio-blk-pci.scsi",
            "Which QEMU has a device, option, machine type or model.",
            _matrix,
        ),
        ("qemu-machines", "x86_64", "The machine types that are not of an old version.", _machines),
        ("qemu-option", "virtio-net-pci.rss", "One option: its type, its default, and who has it.", _option),
        ("qemu-cpus", "x86_64", "The CPU models of a target, and whether they are usable.", _cpus),
        ("lab-hosts", "", "The hosts that the lab asks, with their versions.", _hosts),
    ):
        register(Embed(name, example, says, _safely(draws), stamp))
    says = "The fields of a qcow2 header, as the lab's reader knows them."
    register(Embed("qcow2-header-fields", "", says, _header_fields, _never))


def stamp() -> str:
    """Differs when a public host comes, goes, is renamed or says something else, and from day to day. One query."""
    rows = (
        LabHost.objects.visible_to(_NOBODY)
        .filter(current__isnull=False)
        .order_by("pk")
        .values_list("slug", "name", "current__snapshot", "current__last_at")
    )
    facts_of_hosts = [(slug, name, snapshot, seen.date().isoformat()) for slug, name, snapshot, seen in rows]
    return hashlib.sha256(repr(facts_of_hosts).encode()).hexdigest()


def _header_fields(argument: str) -> str:
    """The fields of a qcow2 header as the lab's own reader knows them; needs no host."""
    return draw("labtools/embeds/header_fields.html", {"fields": HEADER_FIELDS})


def _never() -> str:
    """The stamp of what changes only with the program."""
    return "1"


def _safely(draws: Callable[[str, tuple[Source, ...]], str]) -> Callable[[str], str]:
    def block(argument: str) -> str:
        available = sources(_NOBODY)
        if not available:
            return _nothing("The lab has no answers yet.", reverse("labtools:host_list"), "Lab hosts")
        return draws(argument.strip(), available)

    return block


def _device(argument: str, available: tuple[Source, ...]) -> str:
    name, _, target = argument.partition(" ")
    of_target = tuple(one for one in available if one.target == target.strip()) if target else available
    found = device_page.locate(of_target, choose_default(of_target), name, is_chosen=False)
    if found is None:
        where = f"{reverse('labtools:device_list')}?q={quote(name)}"
        return _nothing(f"No lab host knows the device type {name}.", where, "Device types that are alike")
    device, source = found.device, found.source
    options = facts.property_lists({device.properties}).get(device.properties) if device.properties else None
    known = [one for one in options.properties if not one.is_experimental] if options else []
    # Those with a word or a default say more than those without.
    telling = [one for one in known if one.description or one.default is not None] or known
    page = reverse("labtools:device", args=[device.name])
    elsewhere = [one for one in sources_with(available, device.name) if one.target == source.target]
    return _draw(
        "device",
        source,
        device=device,
        rows=telling[:ROWS],
        count=len(options.properties) if options else 0,
        permanent=f"{page}?on={quote(source.permanent_key)}",
        page=page,
        compare=f"{page}?changed=1&on={quote(source.key)}" if len(elsewhere) > 1 else "",
    )


def _matrix(argument: str, available: tuple[Source, ...]) -> str:
    question = argument.partition(" ")[0]
    default = choose_default(available)
    assert default is not None
    columns = tuple(one for one in available if one.target == default.target)[:ROWS]
    where = f"{reverse('labtools:matrix')}?q={quote(question)}"
    found = matrix(columns, [question]).rows
    if not found:
        return _nothing(f"No lab host knows {question}.", where, "Ask for something like it")
    return draw(
        "labtools/embeds/matrix.html",
        {"row": found[0], "target": default.target, "url": where, "day": max(one.seen_at for one in columns)},
    )


def _machines(argument: str, available: tuple[Source, ...]) -> str:
    target = argument.partition(" ")[0] or "x86_64"
    source = choose_default(tuple(one for one in available if one.target == target))
    if source is None:
        return _nothing(f"No lab host has a QEMU for {target}.", reverse("labtools:host_list"), "Lab hosts")
    machines = facts.machines(source.emulator)
    # An old version of a type is named after the version; those with an alias, and those without one, are today's.
    rows = [one for one in machines if one.alias or not any(letter.isdigit() for letter in one.name[-4:])]
    page = f"{reverse('labtools:machine_list')}?on={quote(source.permanent_key)}"
    return _draw("machines", source, rows=rows[: ROWS * 2], count=len(machines), permanent=page, page=page)


def _option(argument: str, available: tuple[Source, ...]) -> str:
    name = argument.partition(" ")[0]
    known = names.look_up([Candidate(name, "option")]).get(Candidate(name, "option"))
    found = find_card("option", known.name) if known else None
    if known is None or found is None:
        where = f"{reverse('labtools:search')}?q={quote(name.rpartition('.')[2])}"
        return _nothing(f"No lab host knows the option {name}.", where, "Options that are alike")
    page, _, fragment = known.url.partition("#")
    permanent = f"{page}{'&' if '?' in page else '?'}on={quote(found.source.permanent_key)}#{fragment}"
    return _draw("option", found.source, card=found, page=known.url, permanent=permanent)


def _cpus(argument: str, available: tuple[Source, ...]) -> str:
    target = argument.partition(" ")[0] or "x86_64"
    source = choose_default(tuple(one for one in available if one.target == target))
    table = cpu_table(source) if source else None
    if source is None or table is None:
        return _nothing(f"No lab host has a QEMU for {target}.", reverse("labtools:host_list"), "Lab hosts")
    page = reverse("labtools:cpu_list")
    # Models with a version are many; those without are what people write.
    rows = [row for row in table.rows if not re.search(r"-v[0-9]+\Z", row.name)] or list(table.rows)
    return _draw(
        "cpus",
        source,
        rows=rows[:ROWS],
        count=table.total,
        page=f"{page}?on={quote(source.key)}",
        permanent=f"{page}?on={quote(source.permanent_key)}",
    )


def _hosts(argument: str, available: tuple[Source, ...]) -> str:
    rows: dict[str, dict[str, Any]] = {}
    for source in available:
        row = rows.setdefault(source.host.slug, {"source": source, "versions": [], "targets": []})
        for key, value in (("versions", source.emulator.version), ("targets", source.target)):
            if value not in row[key]:
                row[key].append(value)
    context = {"rows": list(rows.values())[: ROWS * 2], "url": reverse("labtools:host_list")}
    return draw("labtools/embeds/hosts.html", context)


def _draw(kind: str, source: Source, **context: Any) -> str:
    return draw(f"labtools/embeds/{kind}.html", {"source": source, **context})


def _nothing(sentence: str, url: str, action: str) -> str:
    return draw("labtools/embeds/nothing.html", {"sentence": sentence, "url": url, "action": action})
