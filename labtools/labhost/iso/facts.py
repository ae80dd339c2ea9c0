"""What is known of one host and one ISO file, as frozen types.

None always means *not known*: the part is missing in what was pasted, or the command refused. An empty tuple means
that the host was asked and has none. Nothing in here decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .descriptor import VolumeDescriptor


class Source(Enum):
    """Where the facts come from."""

    PASTED = "the output that you pasted"
    INVENTORY = "the inventory that the lab keeps of this host"


@dataclass(frozen=True, slots=True)
class KnownPool:
    """A storage pool. ``folder`` is its target path; ``real_folder`` the same without symbolic links.

    ``volumes`` are the paths that libvirt lists; ``has_all_volumes`` is False where the list was cut.
    ``trouble`` holds, word for word, what the host said of entries that cannot be looked at.
    """

    name: str
    type: str
    folder: str
    real_folder: str | None
    is_active: bool | None
    is_autostart: bool | None
    volumes: tuple[str, ...] | None
    has_all_volumes: bool = True
    trouble: tuple[EntryTrouble, ...] | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class EntryTrouble:
    """An entry of a pool's directory that cannot be opened, and the system's words (``Not a directory``)."""

    path: str
    reason: str
    line: str
    is_link: bool


@dataclass(frozen=True, slots=True)
class Component:
    """One step of the path as ``namei -l`` prints it: ``mode`` is ``drwxr-x---``; the path is absolute."""

    path: str
    mode: str
    owner: str
    group: str
    link_to: str | None
    line: str

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory (``namei`` prints ``D`` for a mount point)."""
        return self.mode[:1] in ("d", "D")


@dataclass(frozen=True, slots=True)
class Acl:
    """A POSIX.1e access control list (acl(5)): permissions are sets of the letters ``rwx``; names or numbers."""

    users: tuple[tuple[str, str], ...]
    group_class: str
    groups: tuple[tuple[str, str], ...]
    mask: str | None
    line: str


@dataclass(frozen=True, slots=True)
class QemuUser:
    """As whom libvirt starts QEMU: names and numbers, each as a string; ``groups`` with the first one."""

    name: str
    uid: str
    groups: tuple[str, ...]
    line: str

    @property
    def is_root(self) -> bool:
        """Whether permissions bind it at all."""
        return self.uid == "0"

    def is_named(self, name: str) -> bool:
        """Whether ``name``, of an owner or an ACL, is this user."""
        return name in (self.name, self.uid)

    def is_in(self, group: str) -> bool:
        """Whether ``group`` is one of the user's."""
        return group in self.groups


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What ``stat -L`` says of the file; ``size`` in bytes."""

    kind: str
    size: int
    line: str


@dataclass(frozen=True, slots=True)
class Mount:
    """The file system that the file is on."""

    type: str
    options: tuple[str, ...]
    target: str
    line: str


@dataclass(frozen=True, slots=True)
class Security:
    """The security drivers of libvirt (``selinux``, ``apparmor``, ``dac``) and whether SELinux enforces."""

    models: tuple[str, ...] | None = None
    selinux_enforces: bool | None = None
    label: str | None = None
    label_line: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known. ``path`` is the one asked for, ``real_path`` the one without symbolic links."""

    path: str
    source: Source
    real_path: str | None = None
    libvirt_version: str | None = None
    libvirt_refusal: str | None = None
    pools: tuple[KnownPool, ...] | None = None
    known_format: str | None = None
    components: tuple[Component, ...] | None = None
    path_trouble: str | None = None
    acls: tuple[tuple[str, Acl], ...] | None = None
    qemu_user: QemuUser | None = None
    has_dynamic_ownership: bool | None = None
    security: Security = Security()
    file: FileFacts | None = None
    beginning: bytes | None = None
    descriptor: VolumeDescriptor | None = None
    mount: Mount | None = None
    session_pools: tuple[KnownPool, ...] | None = None
    connections: tuple[str, ...] | None = None
    reader: str | None = None
    is_cut: bool = False

    @property
    def resolved(self) -> str:
        """The path without symbolic links where it is known, else the one asked for."""
        return self.real_path or self.path

    def acl_of(self, path: str) -> Acl | None:
        """The extended access control list of ``path``; None where it has none."""
        return dict(self.acls or ()).get(path)
