"""The commands that an article's check may run: nothing else can be said. Sources: qemu-img(1), virsh(1), qemu(1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from . import kinds
from .kinds import Kind


class Place(StrEnum):
    """What a command needs."""

    QEMU = "qemu"  #: QEMU's programs, and those that look at files
    TEST_DRIVER = "test-driver"  #: virsh with libvirt's test driver


class Role(StrEnum):
    """What a command does to the file that an argument names."""

    NONE = "none"
    READS = "reads"
    CHANGES = "changes"
    MAKES = "makes"


@dataclass(frozen=True, slots=True)
class Argument:
    """An option, or with no ``spellings`` an operand. ``kind`` None: an option without a value.

    ``spellings`` are those that an article may use; the first is the one that is run. Two arguments of one spelling
    are an option that may be given twice. ``joined``: as ``--output=json`` when run, not as two words.
    ``changes_with``: the argument that turns a reader into a changer.
    """

    name: str
    kind: Kind | None
    spellings: tuple[str, ...] = ()
    role: Role = Role.NONE
    required: bool = False
    joined: bool = False
    changes_with: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A command: the program, its fixed words, and what may be filled in. ``changes`` libvirt's test driver or not."""

    program: str
    words: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    place: Place = Place.QEMU
    changes: bool = False

    @property
    def name(self) -> str:
        """How it is stored and called."""
        return " ".join((self.program, *self.words))


def _flag(name: str, *spellings: str) -> Argument:
    return Argument(name, None, spellings or (f"--{name}",))


def _option(name: str, kind: Kind, *spellings: str, role: Role = Role.NONE, joined: bool = False) -> Argument:
    return Argument(name, kind, spellings or (f"--{name}",), role, joined=joined)


def _operand(name: str, kind: Kind, role: Role = Role.NONE, *, required: bool = True) -> Argument:
    return Argument(name, kind, (), role, required)


_FORMAT = _option("format", kinds.FORMAT, "-f")
_OUTPUT = _option("output", kinds.OUTPUT, joined=True)
_READ = _operand("image", kinds.IMAGE, Role.READS)
_CHANGED = _operand("image", kinds.IMAGE, Role.CHANGES)
_QUIET = _flag("quiet", "-q")

_QEMU_IMG = (
    Template("qemu-img", ("--version",)),
    Template(
        "qemu-img",
        ("create",),
        (
            _QUIET,
            _FORMAT,
            _option("backing", kinds.IMAGE, "-b", role=Role.READS),
            _option("backing-format", kinds.FORMAT, "-F"),
            _option("options", kinds.IMAGE_OPTIONS, "-o"),
            _operand("image", kinds.IMAGE, Role.MAKES),
            _operand("size", kinds.SIZE, required=False),
        ),
    ),
    Template("qemu-img", ("info",), (_FORMAT, _OUTPUT, _flag("backing-chain"), _READ)),
    Template(
        "qemu-img",
        ("check",),
        (
            _QUIET,
            _FORMAT,
            _OUTPUT,
            _option("repair", kinds.one_of("leaks", "all"), "-r"),
            Argument("image", kinds.IMAGE, (), Role.READS, required=True, changes_with="repair"),
        ),
    ),
    Template("qemu-img", ("map",), (_FORMAT, _OUTPUT, _READ)),
    Template(
        "qemu-img",
        ("compare",),
        (
            _FORMAT,
            _option("second-format", kinds.FORMAT, "-F"),
            _flag("strict", "-s"),
            _READ,
            _operand("second", kinds.IMAGE, Role.READS),
        ),
    ),
    Template(
        "qemu-img",
        ("convert",),
        (
            _QUIET,
            _flag("compressed", "-c"),
            _FORMAT,
            _option("target-format", kinds.FORMAT, "-O"),
            _option("options", kinds.IMAGE_OPTIONS, "-o"),
            _READ,
            _operand("target", kinds.IMAGE, Role.MAKES),
        ),
    ),
    Template(
        "qemu-img",
        ("resize",),
        (_QUIET, _FORMAT, _flag("shrink"), _CHANGED, _operand("size", kinds.NEW_SIZE)),
    ),
    Template(
        "qemu-img",
        ("measure",),
        (
            _FORMAT,
            _OUTPUT,
            _option("target-format", kinds.FORMAT, "-O"),
            _option("size", kinds.SIZE, "--size"),
            _operand("image", kinds.IMAGE, Role.READS, required=False),
        ),
    ),
    Template("qemu-img", ("snapshot", "-l"), (_READ,)),
    Template("qemu-img", ("snapshot", "-c"), (_operand("snapshot", kinds.SNAPSHOT), _CHANGED)),
    Template("qemu-img", ("snapshot", "-a"), (_operand("snapshot", kinds.SNAPSHOT), _CHANGED)),
    Template("qemu-img", ("snapshot", "-d"), (_operand("snapshot", kinds.SNAPSHOT), _CHANGED)),
    Template(
        "qemu-io",
        (),
        (
            _FORMAT,
            _flag("read-only", "-r"),
            Argument("command", kinds.TRANSFER, ("-c",), required=True),
            *(_option(f"command-{number}", kinds.TRANSFER, "-c") for number in (2, 3, 4)),
            _CHANGED,
        ),
    ),
)

_FILES = (
    Template(
        "cp",
        (),
        (
            _option("reflink", kinds.one_of("auto", "never"), joined=True),
            _READ,
            _operand("target", kinds.IMAGE, Role.MAKES),
        ),
    ),
    Template("truncate", (), (Argument("size", kinds.GROWN_SIZE, ("-s",), required=True), _CHANGED)),
    Template("stat", ("-c", "%s"), (_READ,)),
    Template(
        "hexdump", ("-C",), (_option("length", kinds.COUNT, "-n"), _option("skip", kinds.OFFSET, "-s"), _READ)
    ),
    Template(
        "xxd",
        (),
        (
            _option("length", kinds.COUNT, "-l"),
            _option("skip", kinds.OFFSET, "-s"),
            _option("group", kinds.COUNT, "-g"),
            _option("columns", kinds.COUNT, "-c"),
            _READ,
        ),
    ),
    Template(
        "od",
        (),
        (
            _option("radix", kinds.one_of("x", "d", "o", "n"), "-A"),
            _option("type", kinds.one_of("x1", "x1z", "x4", "x8", "u4", "u8", "c"), "-t"),
            _option("endian", kinds.one_of("big", "little"), joined=True),
            _option("length", kinds.COUNT, "-N"),
            _option("skip", kinds.OFFSET, "-j"),
            _READ,
        ),
    ),
)

TARGETS = ("x86_64", "i386", "aarch64", "arm", "riscv64", "ppc64", "s390x")
_QEMU_SYSTEM = tuple(
    template
    for target in TARGETS
    for template in (
        Template(f"qemu-system-{target}", ("--version",)),
        Template(f"qemu-system-{target}", ("-device", "help")),
        Template(f"qemu-system-{target}", ("-machine", "help")),
        Template(f"qemu-system-{target}", ("-cpu", "help")),
        Template(f"qemu-system-{target}", ("-device",), (_operand("device", kinds.DEVICE_HELP),)),
        Template(f"qemu-system-{target}", ("-machine",), (_operand("machine", kinds.MACHINE_HELP),)),
    )
)


def _virsh(words: str, *arguments: Argument, changes: bool = False) -> Template:
    return Template("virsh", tuple(words.split()), arguments, Place.TEST_DRIVER, changes)


_POOL = Argument("pool", kinds.THING, ("--pool",), required=True)
_THE_POOL = _operand("pool", kinds.THING)
_DEVICE = _operand("device", kinds.THING)
_DOMAIN = _operand("domain", kinds.THING)
_VOLUME = _operand("volume", kinds.VOLUME)
_DOCUMENT = _operand("file", kinds.DOCUMENT, Role.READS)
_ALL = _flag("all")

_VIRSH_READS = (
    _virsh("version"),
    _virsh("uri"),
    _virsh("nodeinfo"),
    _virsh("capabilities"),
    _virsh("domcapabilities"),
    _virsh("cpu-models", _operand("architecture", kinds.ARCHITECTURE)),
    _virsh("list", _ALL, _flag("inactive"), _flag("name")),
    _virsh("dominfo", _DOMAIN),
    _virsh("domstate", _DOMAIN),
    _virsh("domblklist", _flag("details"), _DOMAIN),
    _virsh("dumpxml", _flag("inactive"), _DOMAIN),
    _virsh("net-list", _ALL),
    _virsh("net-dumpxml", _operand("network", kinds.THING)),
    _virsh("pool-list", _ALL, _flag("inactive"), _flag("details"), _flag("name")),
    _virsh("pool-info", _THE_POOL),
    _virsh("pool-dumpxml", _THE_POOL),
    _virsh("pool-capabilities"),
    _virsh("vol-list", _flag("details"), _THE_POOL),
    _virsh("vol-info", _POOL, _VOLUME),
    _virsh("vol-path", _POOL, _VOLUME),
    _virsh("vol-dumpxml", _POOL, _VOLUME),
    _virsh("nodedev-list", _ALL, _flag("tree"), _option("cap", kinds.CAPABILITY)),
    _virsh("nodedev-dumpxml", _DEVICE),
)
_VIRSH_CHANGES = (
    _virsh("nodedev-create", _flag("validate"), _DOCUMENT, changes=True),
    _virsh("nodedev-destroy", _DEVICE, changes=True),
    _virsh("pool-create", _flag("build"), _flag("validate"), _DOCUMENT, changes=True),
    _virsh("pool-define", _flag("validate"), _DOCUMENT, changes=True),
    _virsh(
        "pool-define-as",
        _operand("pool", kinds.THING),
        _operand("type", kinds.one_of("dir", "scsi", "logical", "disk", "fs", "netfs", "iscsi", "zfs")),
        _option("target", kinds.TARGET_PATH),
        _option("source-dev", kinds.TARGET_PATH),
        _option("source-name", kinds.THING),
        _option("adapter-name", kinds.THING),
        _option("adapter-parent", kinds.THING),
        _option("adapter-wwnn", kinds.WWN),
        _option("adapter-wwpn", kinds.WWN),
        changes=True,
    ),
    _virsh("pool-build", _THE_POOL, changes=True),
    _virsh("pool-start", _flag("build"), _THE_POOL, changes=True),
    _virsh("pool-autostart", _flag("disable"), _THE_POOL, changes=True),
    _virsh("pool-refresh", _THE_POOL, changes=True),
    _virsh("pool-destroy", _THE_POOL, changes=True),
    _virsh("pool-undefine", _THE_POOL, changes=True),
    _virsh(
        "vol-create-as",
        _operand("pool", kinds.THING),
        _operand("volume", kinds.VOLUME),
        _operand("capacity", kinds.SIZE),
        _option("allocation", kinds.SIZE),
        _option("format", kinds.FORMAT),
        changes=True,
    ),
    _virsh("vol-delete", _POOL, _VOLUME, changes=True),
)

_ALL_TEMPLATES = (*_QEMU_IMG, *_FILES, *_QEMU_SYSTEM, *_VIRSH_READS, *_VIRSH_CHANGES)
TEMPLATES: dict[str, Template] = {template.name: template for template in _ALL_TEMPLATES}
assert len(TEMPLATES) == len(_ALL_TEMPLATES)
#: The programs that templates name.
PROGRAMS = frozenset(template.program for template in _ALL_TEMPLATES)
