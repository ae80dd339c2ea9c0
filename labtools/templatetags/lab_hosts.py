"""Template tags of the lab's pages about hosts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import NoReverseMatch, reverse

from labtools.labhost import public_words
from labtools.queries.catalogue import FoundProperty
from labtools.queries.option_matrix import option_address
from labtools.queries.sources import PARAMETER, Source

register = template.Library()

#: Name of the tab, label, URL name. A page says in its context which is its own: ``tab``.
TABS = (
    ("overview", "Overview", "labtools:index"),
    ("images", "Images", "labtools:image_list"),
    ("devices", "Devices", "labtools:device_list"),
    ("cpus", "CPU models", "labtools:cpu_list"),
    ("machines", "Machine types", "labtools:machine_list"),
    ("matrix", "Can I use this?", "labtools:matrix"),
    ("compare", "Compare", "labtools:compare"),
    ("lint", "Linter", "labtools:lint"),
    ("build", "Builder", "labtools:build"),
    ("iso", "ISO doctor", "labtools:iso"),
    ("npiv", "NPIV", "labtools:npiv"),
    ("hosts", "Hosts", "labtools:host_list"),
)


@dataclass(frozen=True)
class Tab:
    """One link of the lab's navigation."""

    name: str
    label: str
    url: str


@register.simple_tag
def lab_tabs() -> list[Tab]:
    """The rooms of the lab, in order; what is not built has no tab."""
    tabs = []
    for name, label, url_name in TABS:
        try:
            tabs.append(Tab(name, label, reverse(url_name)))
        except NoReverseMatch:
            continue
    return tabs


#: QEMU's words for readers who are not staff: they begin with the path of the binary on that host.
register.filter("without_paths", public_words.without_paths)
#: Where an option is: ``{{ device_name|option_address:option_name }}``.
register.filter("option_address", option_address)


@register.simple_tag(takes_context=True)
def permanent_query(context: dict[str, Any], sources: Sequence[Source] | Source) -> str:
    """The query string of this page with ``sources`` pinned: it shows the same for ever."""
    chosen = [sources] if isinstance(sources, Source) else list(sources)
    rest = [
        (key, value) for key, values in context["request"].GET.lists() if key != PARAMETER for value in values
    ]
    return urlencode([*rest, *((PARAMETER, source.permanent_key) for source in chosen)])


@register.filter
def more_devices(option: FoundProperty) -> int:
    """How many device types have the option beside those that are named."""
    return option.device_count - len(option.devices)
