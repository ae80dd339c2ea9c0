"""Which package of which distribution has which module of QEMU.

QEMU keeps parts of itself in modules, files such as ``hw-display-qxl.so``; distributions spread them over packages.
Sources: file lists of Debian's packages (amd64 of bullseye, bookworm, trixie and sid, read in November 2026), the
``%files`` sections of Fedora's ``qemu.spec`` of QEMU 10.1, Red Hat's advisories for ``qemu-kvm`` of version 9.
Types were found by starting QEMU 7.2 and 10.0 with one module at a time; those of rutabaga and of uefi-vars are
from ``module_obj()`` in QEMU's sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Module: the types that it registers. A type may need further modules (virtio-gpu-gl-pci: virtio-gpu-gl-device).
TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "accel-tcg-i386": ("tcg-accel-ops",),
    "accel-tcg-x86_64": ("tcg-accel-ops",),
    "chardev-baum": ("chardev-braille",),
    "chardev-spice": ("chardev-spiceport", "chardev-spicevmc"),
    "hw-display-qxl": ("qxl", "qxl-vga"),
    "hw-display-virtio-gpu": ("vhost-user-gpu", "virtio-gpu-base", "virtio-gpu-device"),
    "hw-display-virtio-gpu-gl": ("virtio-gpu-gl-device",),
    "hw-display-virtio-gpu-pci": ("vhost-user-gpu-pci", "virtio-gpu-pci", "virtio-gpu-pci-base"),
    "hw-display-virtio-gpu-pci-gl": ("virtio-gpu-gl-pci",),
    "hw-display-virtio-gpu-pci-rutabaga": ("virtio-gpu-rutabaga-pci",),
    "hw-display-virtio-gpu-rutabaga": ("virtio-gpu-rutabaga-device",),
    "hw-display-virtio-vga": ("vhost-user-vga", "virtio-vga", "virtio-vga-base"),
    "hw-display-virtio-vga-gl": ("virtio-vga-gl",),
    "hw-display-virtio-vga-rutabaga": ("virtio-vga-rutabaga",),
    "hw-s390x-virtio-gpu-ccw": ("virtio-gpu-ccw",),
    "hw-uefi-vars": ("uefi-vars-sysbus", "uefi-vars-x64"),
    "hw-usb-host": ("usb-host",),
    "hw-usb-redirect": ("usb-redir",),
    "hw-usb-smartcard": ("ccid-card-emulated", "ccid-card-passthru"),
    "ui-dbus": ("chardev-dbus", "dbus-display"),
}

#: Libraries without which a module does not open, by their SONAME: Debian's package.
LIBRARIES: Final[Mapping[str, str]] = {
    "libcacard.so.0": "libcacard0",
    "libspice-server.so.1": "libspice-server1",
    "libusbredirparser.so.1": "libusbredirparser1",
    "libvirglrenderer.so.1": "libvirglrenderer1",
}


class Basis(StrEnum):
    """What an answer rests on."""

    FILE_LIST = "the package's file list"
    PACKAGING = "the distribution's packaging, not tried here"
    UNKNOWN = "nothing we know of"


class Family(StrEnum):
    """How packages are installed there."""

    APT = "apt"
    DNF = "dnf"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Whose package QEMU came in, from QEMU's own words. ``packages`` is empty where we know of none."""

    name: str
    family: Family
    basis: Basis
    packages: Mapping[str, str]

    def has_module(self, module: str) -> bool:
        """Whether one of its packages has ``module``."""
        return module in self.packages


def _table(**packages: str) -> Mapping[str, str]:
    return {
        module: package.replace("_", "-")
        for package, modules in packages.items()
        for module in modules.split()
    }


_BLOCK = "block-curl block-iscsi block-nfs block-rbd block-ssh"
#: Debian 11, QEMU 5.2: the rest was part of the binaries.
_DEBIAN_5 = _table(qemu_block_extra=f"{_BLOCK} block-gluster", qemu_system_gui="audio-pa ui-gtk")
#: Debian 12, QEMU 7.2.
_DEBIAN_7 = _table(
    qemu_block_extra=f"{_BLOCK} block-gluster",
    qemu_system_common=(
        "accel-tcg-i386 accel-tcg-x86_64 audio-alsa audio-dbus audio-oss audio-sndio audio-spice chardev-baum"
        " chardev-spice hw-display-qxl hw-display-virtio-gpu hw-display-virtio-gpu-pci"
        " hw-display-virtio-gpu-pci-gl hw-display-virtio-vga hw-display-virtio-vga-gl hw-s390x-virtio-gpu-ccw"
        " hw-usb-host hw-usb-redirect hw-usb-smartcard ui-curses ui-dbus ui-egl-headless ui-opengl"
        " ui-spice-app ui-spice-core"
    ),
    qemu_system_gui="audio-jack audio-pa audio-sdl hw-display-virtio-gpu-gl ui-gtk ui-sdl",
)
#: From Debian's 1:8.1.0+ds-1 on, which made two packages for what needs OpenGL and SPICE.
_DEBIAN_8 = _table(
    qemu_block_extra=f"{_BLOCK} block-gluster block-blkio block-dmg-bz2",
    qemu_system_common=(
        "audio-alsa audio-oss chardev-baum hw-display-virtio-gpu hw-display-virtio-gpu-pci"
        " hw-display-virtio-vga hw-s390x-virtio-gpu-ccw hw-uefi-vars hw-usb-host hw-usb-redirect"
        " hw-usb-smartcard ui-curses"
    ),
    qemu_system_gui="audio-jack audio-pa audio-pipewire audio-sdl ui-gtk ui-sdl",
    qemu_system_modules_opengl=(
        "audio-dbus hw-display-virtio-gpu-gl hw-display-virtio-gpu-pci-gl hw-display-virtio-vga-gl ui-dbus"
        " ui-egl-headless ui-opengl"
    ),
    qemu_system_modules_spice="audio-spice chardev-spice hw-display-qxl ui-spice-app ui-spice-core",
)
#: QEMU 11.1 of Debian: without gluster.
_DEBIAN_11 = {module: package for module, package in _DEBIAN_8.items() if module != "block-gluster"}
#: Ubuntu builds from Debian's packaging; since October 2024, so from 9.2 on, it keeps two block modules apart.
_UBUNTU_9 = {**_DEBIAN_8, **dict.fromkeys(("block-blkio", "block-gluster"), "qemu-block-supplemental")}


def _by_name(prefix: str, modules: str) -> Mapping[str, str]:
    """Fedora and its kin have a package for each module, named after it."""
    renamed = (("hw-display-", "device-display-"), ("hw-usb-", "device-usb-"), ("chardev-", "char-"))
    special = {
        "hw-s390x-virtio-gpu-ccw": "device-display-virtio-gpu-ccw",
        "hw-uefi-vars": "device-uefi-vars",
        "block-dmg-bz2": "block-dmg",
    }
    packages = {}
    for module in modules.split():
        name = special.get(module, module)
        for old, new in renamed:
            name = name.replace(old, new, 1) if name.startswith(old) else name
        packages[module] = f"{prefix}-{name}"
    return packages


_FEDORA = _by_name(
    "qemu",
    f"{_BLOCK} block-blkio block-dmg-bz2 block-gluster audio-spice chardev-baum chardev-spice hw-display-qxl"
    " hw-display-virtio-gpu hw-display-virtio-gpu-gl hw-display-virtio-gpu-rutabaga hw-display-virtio-gpu-pci"
    " hw-display-virtio-gpu-pci-gl hw-display-virtio-gpu-pci-rutabaga hw-s390x-virtio-gpu-ccw"
    " hw-display-virtio-vga hw-display-virtio-vga-gl hw-display-virtio-vga-rutabaga hw-uefi-vars hw-usb-host"
    " hw-usb-redirect hw-usb-smartcard ui-curses ui-dbus ui-egl-headless ui-gtk ui-opengl ui-sdl ui-spice-app"
    " ui-spice-core",
)
_RED_HAT_9 = _by_name(
    "qemu-kvm",
    "audio-pa block-curl block-rbd hw-display-virtio-gpu hw-display-virtio-gpu-gl hw-display-virtio-gpu-pci"
    " hw-display-virtio-gpu-pci-gl hw-s390x-virtio-gpu-ccw hw-display-virtio-vga hw-display-virtio-vga-gl"
    " hw-usb-host hw-usb-redirect ui-egl-headless ui-opengl",
)

_DEBIAN_STYLE = re.compile(r"Debian (?:\d+:)?(?P<major>\d+)\.(?P<minor>\d+)", re.ASCII)


def distribution_of(package: str) -> Distribution:
    """Tell the distribution from what QEMU says its package is, e.g. ``Debian 1:7.2+dfsg-7+deb12u18+b3``.

    ``Distribution.packages`` is empty where we do not know how that version spreads its modules.
    """
    match = _DEBIAN_STYLE.match(package)
    if match:
        version = (int(match["major"]), int(match["minor"]))
        if "ubuntu" in package:
            return Distribution("Ubuntu", Family.APT, Basis.PACKAGING, _of_ubuntu(version))
        return Distribution("Debian", Family.APT, Basis.FILE_LIST, _of_debian(version))
    if re.search(r"\.fc\d+", package):
        return Distribution("Fedora", Family.DNF, Basis.PACKAGING, _FEDORA)
    if re.search(r"\.el\d+", package):
        known = _RED_HAT_9 if ".el9" in package else {}
        return Distribution("Red Hat Enterprise Linux or its kin", Family.DNF, Basis.PACKAGING, known)
    return Distribution("", Family.UNKNOWN, Basis.UNKNOWN, {})


def _of_debian(version: tuple[int, int]) -> Mapping[str, str]:
    if version >= (11, 0):
        return _DEBIAN_11
    if version >= (8, 1):
        return _DEBIAN_8
    return {(7, 2): _DEBIAN_7, (5, 2): _DEBIAN_5}.get(version, {})


def _of_ubuntu(version: tuple[int, int]) -> Mapping[str, str]:
    if version >= (9, 2):
        return _UBUNTU_9
    return _DEBIAN_8 if version >= (8, 2) else {}
