"""The libvirt XML of a device: an element where libvirt has one, else QEMU's own option passed through.

Elements and attributes are those of libvirt's domain format; the tests check them against its schemas. What an
element has no attribute for goes through ``<qemu:override>`` (libvirt 8.2), which libvirt marks as tainting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from labtools.labhost.document import Property
from labtools.labhost.lint import libvirt_names as names
from labtools.labhost.lint.values import NUMBERS, boolean, is_list

from .option import Built

_VIRTIO = re.compile(r"((?:virtio|vhost)-.+?)(?:-pci|-ccw)?(?:-(?:non-)?transitional)?", re.ASCII)
NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"


class Way(StrEnum):
    """How libvirt gets the device."""

    ELEMENT = "element"
    OVERRIDE = "override"
    COMMANDLINE = "commandline"


@dataclass(frozen=True, slots=True)
class LibvirtXml:
    """XML for a domain. ``device`` goes into ``<devices>``, ``extra`` into ``<domain>``; either may be empty."""

    way: Way
    device: str
    extra: str
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """An element being filled; ``left`` are the values that it has no attribute for yet."""

    driver: str
    left: dict[str, str]
    properties: Mapping[str, Property]
    notes: list[str] = field(default_factory=list)

    def take(self, name: str) -> str:
        return self.left.pop(name, "")

    def attributes(self, element: Element, table: Mapping[str, str]) -> None:
        """Put what ``table`` knows of the values into attributes; libvirt says on and off."""
        for attribute, name in table.items():
            if name not in self.left:
                continue
            value = self.take(name)
            prop = self.properties.get(name)
            if prop is not None and prop.type == "bool":
                value = "on" if boolean(value) else "off"
            element.set(attribute, value)

    def part(self, parent: Element, tag: str, table: Mapping[str, str]) -> None:
        """A child with attributes by ``table``, where there is any."""
        child = Element(tag)
        self.attributes(child, table)
        if child.attrib:
            parent.append(child)


def libvirt_xml(built: Built, properties: Mapping[str, Property]) -> LibvirtXml:
    """The XML for ``built``, as far as its values are right; ``properties`` are those of the device type."""
    base = _family(built.driver)
    make = _MAKERS.get(base)
    # qemu:override has no arrays.
    if make is None or any(is_list(properties[name]) for name in built.values if name in properties):
        return _commandline(built)
    draft = _Draft(built.driver, dict(built.values), properties)
    element = make(draft, base)
    _finish(draft, element, built)
    extra = ""
    if draft.left:
        extra = _override(draft, element)
    return LibvirtXml(Way.OVERRIDE if extra else Way.ELEMENT, _text(element), extra, tuple(draft.notes))


def _family(driver: str) -> str:
    """The name of a virtio device without bus and model; another device's name as it is."""
    found = _VIRTIO.fullmatch(driver)
    return driver if found is None or driver in names.PLAIN else found[1]


def _model(draft: _Draft) -> str:
    """The model of a virtio device by the end of its name."""
    return next(
        (model for model, tail in names.VIRTIO_SUFFIX.items() if draft.driver.endswith(tail)), "virtio"
    )


def _finish(draft: _Draft, element: Element, built: Built) -> None:
    """What all elements share: boot order, address, alias."""
    if (
        "bootindex" in draft.left
        and element.tag in ("disk", "interface", "hostdev")
        and draft.left["bootindex"].isdigit()
    ):
        # libvirt counts from 1, QEMU from 0.
        SubElement(element, "boot", order=str(int(draft.take("bootindex")) + 1))
    slot = re.fullmatch(r"(?:0x)?([0-9a-fA-F]{1,2})(?:\.([0-7]))?", draft.left.get("addr", ""))
    if slot and "bus" not in draft.left:
        draft.take("addr")
        where = {
            "domain": "0x0000",
            "bus": "0x00",
            "slot": f"0x{int(slot[1], 16):02x}",
            "function": f"0x{slot[2] or 0}",
        }
        address = SubElement(element, "address", {"type": "pci", **where})
        if draft.take("multifunction"):
            address.set("multifunction", "on")
    elif "bus" in draft.left:
        draft.take("bus")
        draft.take("addr")
        draft.notes.append(
            "libvirt names buses itself: bus and addr become an <address>, which it chooses when it is left out."
        )
    alias = draft.take("id")
    if alias or draft.left:
        # Only a name that begins with ua- is the user's own.
        SubElement(element, "alias", name=f"ua-{alias or 'mine'}")


def _override(draft: _Draft, element: Element) -> str:
    alias = element.find("alias")
    assert alias is not None
    top = Element("qemu:override", {"xmlns:qemu": NAMESPACE})
    frontend = SubElement(SubElement(top, "qemu:device", alias=alias.get("name", "")), "qemu:frontend")
    for name, value in draft.left.items():
        prop = draft.properties.get(name)
        kind = "" if prop is None else prop.type
        if kind == "bool":
            typed = {"type": "bool", "value": "true" if boolean(value) else "false"}
        elif (
            kind in NUMBERS
            and re.fullmatch(r"-?\d+", value)
            and "Slot" not in (prop.description if prop else "")
        ):
            typed = {"type": "signed" if NUMBERS[kind][1] else "unsigned", "value": value}
        else:
            typed = {"type": "string", "value": value}
        SubElement(frontend, "qemu:property", {"name": name, **typed})
    listed = ", ".join(draft.left)
    draft.notes.append(
        f"libvirt has no attribute for {listed}: qemu:override passes it on (libvirt 8.2 and later; it marks the domain"
        " as tainted). Put it inside <domain>, after <devices>."
    )
    return _text(top)


def _commandline(built: Built) -> LibvirtXml:
    top = Element("qemu:commandline", {"xmlns:qemu": NAMESPACE})
    SubElement(top, "qemu:arg", value="-device")
    SubElement(top, "qemu:arg", value=built.option)
    notes = (
        f"No element of libvirt is known here for this {built.driver}: qemu:commandline passes the option to QEMU,"
        " as it is, and libvirt marks the domain as tainted. Put it inside <domain>, after <devices>.",
    )
    return LibvirtXml(Way.COMMANDLINE, "", _text(top), notes)


def _text(element: Element) -> str:
    indent(element)
    return tostring(element, encoding="unicode")


def _interface(draft: _Draft, base: str) -> Element:
    element = Element("interface", type="network")
    if mac := draft.take("mac"):
        SubElement(element, "mac", address=mac.replace("-", ":"))
    SubElement(element, "source", network="default")
    SubElement(element, "model", type=_model(draft) if base == "virtio-net" else draft.driver)
    if base == "virtio-net":
        driver = Element("driver")
        draft.attributes(driver, names.NET_DRIVER)
        draft.part(driver, "host", names.NET_HOST)
        draft.part(driver, "guest", names.NET_GUEST)
        if driver.attrib or len(driver):
            driver.set("name", "vhost")
            element.append(driver)
    draft.part(element, "mtu", {"size": "host_mtu"})
    draft.take("netdev")
    draft.notes.append(
        "The source is libvirt's default network; put your own there. libvirt makes the netdev itself."
    )
    return element


def _disk(draft: _Draft, base: str) -> Element:
    kind = "cdrom" if base.endswith("-cd") else "disk"
    bus = {"virtio-blk": "virtio", "usb-storage": "usb", "floppy": "fdc"}.get(
        base, "scsi" if base.startswith("scsi") else "sata"
    )
    element = Element("disk", type="file", device="floppy" if bus == "fdc" else kind)
    if _model(draft) != "virtio" and base == "virtio-blk":
        element.set("model", _model(draft))
    driver = SubElement(element, "driver", name="qemu", type="raw" if kind == "cdrom" else "qcow2")
    if base == "virtio-blk":
        draft.attributes(driver, names.BLK_DRIVER)
    SubElement(
        element,
        "source",
        file="/var/lib/libvirt/images/example.qcow2" if kind == "disk" else "/path/to/example.iso",
    )
    SubElement(element, "target", dev={"virtio": "vda", "fdc": "fda"}.get(bus, "sda"), bus=bus)
    draft.part(element, "blockio", names.BLOCKIO)
    for name in ("serial", "wwn"):
        if name in draft.left:
            SubElement(element, name).text = draft.take(name)
    draft.take("drive")
    draft.notes.append("The source is an example; put your own file there. libvirt makes the drive itself.")
    if "iothread" in draft.left:
        draft.notes.append(
            "iothread: libvirt numbers its threads (<iothreads>1</iothreads>, driver iothread='1')."
        )
        draft.take("iothread")
        driver.set("iothread", "1")
    return element


def _controller(kind: str, table: Mapping[str, str] | None = None) -> Callable[[_Draft, str], Element]:
    def make(draft: _Draft, base: str) -> Element:
        element = Element("controller", type=kind)
        if table is not None:
            element.set("model", next(model for model, name in table.items() if name == base))
        if base == "virtio-scsi":
            element.set("model", "virtio-scsi" if _model(draft) == "virtio" else _model(draft))
            draft.part(element, "driver", names.SCSI_DRIVER)
        elif base == "virtio-serial" and _model(draft) != "virtio":
            element.set("model", _model(draft))
        if kind == "usb" and draft.driver in ("qemu-xhci", "nec-usb-xhci"):
            draft.attributes(
                element, {"ports": "p3"} if draft.left.get("p2", "") == draft.left.get("p3") else {}
            )
            if "ports" in element.attrib:
                draft.take("p2")
        if kind == "pci" and base == "pcie-root-port":
            SubElement(element, "model", name="pcie-root-port")
            draft.part(element, "target", {"chassis": "chassis", "port": "port"})
        return element

    return make


def _input(draft: _Draft, base: str) -> Element:
    kind, bus = next(key for key, name in names.INPUTS.items() if name == base)
    element = Element("input", type=kind, bus=bus)
    if bus == "virtio" and _model(draft) != "virtio":
        element.set("model", _model(draft))
    if kind == "passthrough":
        SubElement(element, "source", evdev=draft.take("evdev") or "/dev/input/event1")
    return element


def _by_model(tag: str, table: Mapping[str, str]) -> Callable[[_Draft, str], Element]:
    def make(_draft: _Draft, base: str) -> Element:
        return Element(tag, model=next(model for model, name in table.items() if name == base))

    return make


def _video(draft: _Draft, base: str) -> Element:
    element = Element("video")
    second = base in names.SECOND_VIDEOS.values()
    table = names.SECOND_VIDEOS if second else names.VIDEOS
    model = SubElement(element, "model", type=next(key for key, name in table.items() if name == base))
    if second:
        model.set("primary", "no")
        draft.notes.append("A device without VGA is the second one: another <video> is first.")
    draft.attributes(model, {"heads": "max_outputs"})
    return element


def _virtio(tag: str) -> Callable[[_Draft, str], Element]:
    def make(draft: _Draft, base: str) -> Element:
        element = Element(tag, model=_model(draft))
        if tag == "memballoon":
            draft.attributes(element, names.BALLOON)
        else:
            if "max-bytes" in draft.left:
                rate = SubElement(element, "rate", bytes=draft.take("max-bytes"))
                draft.attributes(rate, {"period": "period"})
            SubElement(element, "backend", model="random").text = "/dev/urandom"
            draft.take("rng")
        draft.part(element, "driver", names.VIRTIO_DRIVER)
        return element

    return make


def _hostdev(draft: _Draft, _base: str) -> Element:
    element = Element("hostdev", mode="subsystem", type="pci", managed="yes")
    host = draft.left.get("host", "")
    found = re.fullmatch(r"(?:([0-9a-fA-F]{1,4}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7])", host)
    if found:
        draft.take("host")
    else:
        draft.notes.append("The address is an example; put that of your device there (lspci shows it).")
        draft.take("host")
    domain, bus, slot, function = found.groups() if found else ("0", "01", "00", "0")
    where = {"domain": f"0x{int(domain or '0', 16):04x}", "bus": f"0x{int(bus, 16):02x}"}
    where |= {"slot": f"0x{int(slot, 16):02x}", "function": f"0x{function}"}
    SubElement(SubElement(element, "source"), "address", where)
    return element


def _vsock(draft: _Draft, _base: str) -> Element:
    element = Element("vsock", model=_model(draft))
    cid = draft.take("guest-cid")
    SubElement(element, "cid", {"auto": "no", "address": cid} if cid else {"auto": "yes"})
    return element


def _tpm(draft: _Draft, base: str) -> Element:
    element = Element("tpm", model=base)
    SubElement(element, "backend", type="emulator", version="2.0")
    draft.take("tpmdev")
    return element


_NETS = (
    "virtio-net",
    "e1000",
    "e1000e",
    "rtl8139",
    "ne2k_pci",
    "pcnet",
    "i82551",
    "i82557b",
    "i82559er",
    "vmxnet3",
)
_MAKERS: dict[str, Callable[[_Draft, str], Element]] = {
    **dict.fromkeys(_NETS, _interface),
    **dict.fromkeys(("virtio-blk", "scsi-hd", "scsi-cd", "ide-hd", "ide-cd", "usb-storage"), _disk),
    **dict.fromkeys(names.USB_CONTROLLERS.values(), _controller("usb", names.USB_CONTROLLERS)),
    **dict.fromkeys(
        (*names.SCSI_CONTROLLERS.values(), "lsi53c895a"), _controller("scsi", {**names.SCSI_CONTROLLERS})
    ),
    **dict.fromkeys(names.PCI_CONTROLLERS.values(), _controller("pci", names.PCI_CONTROLLERS)),
    "virtio-serial": _controller("virtio-serial"),
    "ich9-ahci": _controller("sata"),
    **dict.fromkeys(names.INPUTS.values(), _input),
    **dict.fromkeys(names.SOUNDS.values(), _by_model("sound", names.SOUNDS)),
    **dict.fromkeys((*names.VIDEOS.values(), *names.SECOND_VIDEOS.values()), _video),
    "i6300esb": _by_model("watchdog", names.WATCHDOGS),
    "ib700": _by_model("watchdog", names.WATCHDOGS),
    "virtio-rng": _virtio("rng"),
    "virtio-balloon": _virtio("memballoon"),
    "vfio-pci": _hostdev,
    "vhost-vsock": _vsock,
    "tpm-tis": _tpm,
    "tpm-crb": _tpm,
    "pvpanic": _by_model("panic", names.PANICS),
    "usb-hub": lambda _draft, _base: Element("hub", type="usb"),
}
# libvirt says lsilogic for the device that QEMU calls lsi53c895a; lsi is an alias of it.
_MAKERS["lsi53c895a"] = lambda draft, _base: _controller("scsi", names.SCSI_CONTROLLERS)(draft, "lsi")
