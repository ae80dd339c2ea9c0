"""What brings a device type back that QEMU cannot give: which module or library it lacks, and its package."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from labtools.labhost.document import Device, Status

from .packages import LIBRARIES, TYPES, Basis, Distribution, Family

_NO_TYPE = re.compile(
    r"missing object type '(?P<type>[\w.-]+)'|could not load module for type '(?P<other>[\w.-]+)'"
)
_NO_MODULE = re.compile(r"failed to open module: (?:\S*/)?(?P<module>[\w.-]+?)\.so\b(?!\.)")
_NO_LIBRARY = re.compile(r"(?P<library>[\w.+-]+\.so(?:\.\d+)*): cannot open shared object file")
_OTHER_BUILD = re.compile(
    r"undefined symbol|only modules from the same build|failed to initialize module", re.IGNORECASE
)
_PERHAPS = re.compile(
    r"Perhaps you want to install (?P<package>[a-z0-9][a-z0-9.+-]+)(?: or [a-z0-9.+-]+)? package"
)

#: Targets whose QEMU takes a module; no other is said to miss one.
_PCS = frozenset({"i386", "x86_64"})
_MANY = _PCS | {"aarch64", "ppc64", "riscv64", "s390x"}
_TARGETS = {
    "accel-tcg-i386": frozenset({"i386"}),
    "accel-tcg-x86_64": frozenset({"x86_64"}),
    "hw-display-qxl": _PCS,
    "hw-display-virtio-vga": _PCS,
    "hw-display-virtio-vga-gl": _PCS,
    "hw-display-virtio-vga-rutabaga": _PCS,
    "hw-s390x-virtio-gpu-ccw": frozenset({"s390x"}),
    "hw-uefi-vars": frozenset({"x86_64"}),
    "hw-usb-host": _MANY - {"s390x"},
    "hw-usb-redirect": _MANY - {"s390x"},
    "hw-usb-smartcard": _MANY - {"s390x"},
}
#: Parts of other types, which nobody adds to a guest, and what is no device.
_NOT_FOR_GUESTS = re.compile(
    r"chardev-|tcg-|dbus-|.*-base$|uefi-vars-sysbus$|virtio-gpu-(gl-|rutabaga-)?device$|vhost-user-gpu$"
)


class Cause(StrEnum):
    """Why QEMU does not give a type."""

    MODULE = "a module is missing"
    LIBRARY = "a library that the module needs is missing"
    OTHER_BUILD = "the module is from another build than the binary"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Advice:
    """How to get one device type back. Empty texts: we do not know, and say so."""

    device: str
    cause: Cause
    #: Name of the module's file or of the library, e.g. ``hw-display-virtio-gpu-gl.so``.
    file: str
    package: str
    basis: Basis
    #: Commands, each one line of shell: installs; says which package has the file; shows whether it worked.
    install: str
    find: str
    check: str

    @property
    def sentence(self) -> str:
        """The advice for people."""
        if self.cause is Cause.OTHER_BUILD:
            return (
                "The module and the QEMU binary are from different builds. Upgrade all of QEMU's packages together;"
                " guests that were started before the upgrade need their old modules until they are restarted."
            )
        if self.cause is Cause.UNKNOWN:
            return "Unknown: QEMU's last words name neither a module nor a library that we know."
        what = "module" if self.cause is Cause.MODULE else "library"
        if self.package:
            return f"The {what} {self.file} is missing. It is in the package {self.package}."
        return f"The {what} {self.file} is missing. We do not know which package has it."


def advise(device: Device, distribution: Distribution, target: str) -> Advice:
    """Return how to get ``device`` back, of which QEMU said its last words."""
    words = device.last_words
    perhaps = _PERHAPS.search(words)
    library = _NO_LIBRARY.search(words)
    if library:
        return _library(device.name, library["library"], distribution, target)
    if _OTHER_BUILD.search(words):
        return _advice(device.name, Cause.OTHER_BUILD, target)
    # Last words that we do not understand may be of any trouble; without any, the type itself is the trace.
    module = _module_of_words(words, target) if words else _module_of_type(device.name, target)
    if module:
        package = perhaps["package"] if perhaps else distribution.packages.get(module, "")
        basis = distribution.basis if package else Basis.UNKNOWN
        return _advice(device.name, Cause.MODULE, target, f"{module}.so", package, basis, distribution.family)
    return _advice(device.name, Cause.UNKNOWN, target)


def advise_on_all(devices: Collection[Device], distribution: Distribution, target: str) -> tuple[Advice, ...]:
    """Return advice for each type over which QEMU ended, in the order of ``devices``."""
    return tuple(advise(device, distribution, target) for device in devices if device.status is Status.DIED)


def advise_on_absent(
    devices: Collection[Device], distribution: Distribution, target: str
) -> tuple[Advice, ...]:
    """Return advice for types that QEMU does not list, though a module in a package of the distribution has them.

    QEMU lists what its modules have, so where one is not installed its types are simply not there.
    """
    present = {device.name for device in devices}
    return tuple(
        _advice(name, Cause.MODULE, target, f"{module}.so", package, distribution.basis, distribution.family)
        for module, package in sorted(distribution.packages.items())
        if target in _TARGETS.get(module, _MANY)
        for name in TYPES.get(module, ())
        if name not in present and not _NOT_FOR_GUESTS.match(name)
    )


def _library(device: str, library: str, distribution: Distribution, target: str) -> Advice:
    package = LIBRARIES.get(library, "") if distribution.family is Family.APT else ""
    basis = Basis.PACKAGING if package else Basis.UNKNOWN
    return _advice(device, Cause.LIBRARY, target, library, package, basis, distribution.family)


def _module_of_words(words: str, target: str) -> str:
    opened = _NO_MODULE.search(words)
    if opened:
        return opened["module"]
    missing = _NO_TYPE.search(words)
    return _module_of_type(missing["type"] or missing["other"], target) if missing else ""


def _module_of_type(name: str, target: str) -> str:
    return next(
        (
            module
            for module, types in TYPES.items()
            if name in types and target in _TARGETS.get(module, {target})
        ),
        "",
    )


def _advice(
    device: str,
    cause: Cause,
    target: str,
    file: str = "",
    package: str = "",
    basis: Basis = Basis.UNKNOWN,
    family: Family = Family.UNKNOWN,
) -> Advice:
    install = {Family.APT: f"sudo apt install {package}", Family.DNF: f"sudo dnf install {package}"}
    find = {
        Family.APT: f"apt-file search {shlex.quote(file)}",
        Family.DNF: f"dnf provides {shlex.quote('*/' + file)}",
    }
    return Advice(
        device=device,
        cause=cause,
        file=file,
        package=package,
        basis=basis,
        install=install.get(family, "") if package else "",
        find=find.get(family, "") if file else "",
        check=f"{shlex.quote(f'qemu-system-{target}')} -device {shlex.quote(f'{device},help')}",
    )
