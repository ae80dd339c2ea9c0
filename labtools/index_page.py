"""What the lab's front page leads to."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from labtools.models import LabHost
from labtools.queries.hosts import Change, change_of, changes

#: Entries of the change feed on the front page.
MAX_CHANGES = 4


@dataclass(frozen=True)
class Question:
    """A question of the how-to: the option that it asks QEMU with, and the page that answers it."""

    words: str
    option: str
    url: str


@dataclass(frozen=True)
class Tool:
    """A page of the lab that does something for whoever comes with a matter of their own."""

    name: str
    words: str
    url: str


#: Words, option, URL name, its arguments.
_QUESTIONS = (
    ("Which devices can be plugged in?", "-device ?", "labtools:device_list", ()),
    ("Which options does this one have?", "-device virtio-net-pci,?", "labtools:device", ("virtio-net-pci",)),
    ("Which machine types are there?", "-M ?", "labtools:machine_list", ()),
    ("Which CPU models, and what do they miss here?", "-cpu ?", "labtools:cpu_list", ()),
)
#: Name, words, URL name.
_TOOLS = (
    (
        "Can I use this?",
        "A device type or an option across versions, hosts and architectures.",
        "labtools:matrix",
    ),
    ("Compare", "What came, went or changed between two QEMUs.", "labtools:compare"),
    ("What works everywhere", "The devices and options that all chosen hosts share.", "labtools:common"),
    ("Linter", "Paste a -device option, a whole command line or a domain XML.", "labtools:lint"),
    ("Builder", "Fill in fields, take a -device option and libvirt’s XML.", "labtools:build"),
    ("Missing modules", "Which package brings a dead device type back.", "labtools:modules"),
    ("ISO doctor", "Why virt-manager does not show an ISO, and what mends it.", "labtools:iso"),
    ("NPIV wizard", "vHBAs step by step, tried out on libvirt’s test driver.", "labtools:npiv"),
    ("Hosts", "Who was asked, when, and what has changed since.", "labtools:host_list"),
    ("Images", "Check a qcow2 file, byte by byte and table by table.", "labtools:image_list"),
    ("The qcow2 format", "Header, extensions and table entries, field by field.", "labtools:qcow2_format"),
)


def _address(name: str, arguments: tuple[str, ...] = ()) -> str:
    """The address, or nothing while that page is not built."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def questions() -> list[Question]:
    """The four questions, those that have a page."""
    asked = (Question(words, option, _address(name, given)) for words, option, name, given in _QUESTIONS)
    return [question for question in asked if question.url]


def tools() -> list[Tool]:
    """The tools, those that have a page."""
    all_of_them = (Tool(name, words, _address(url_name)) for name, words, url_name in _TOOLS)
    return [tool for tool in all_of_them if tool.url]


def newest_changes(user: object) -> list[Change]:
    """What was new on the hosts that ``user`` may see, newest first."""
    return [change_of(sighting) for sighting in changes(LabHost.objects.visible_to(user))[:MAX_CHANGES]]
