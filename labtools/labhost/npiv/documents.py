"""The XML documents of a plan, made as trees and never as text, so that no value can leave its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import escape, quoteattr

from .choice import Bus, Choice, DeviceKind, Lifetime, LunBy, ParentBy

#: Where a SCSI pool looks for the stable names of its volumes.
BY_PATH = "/dev/disk/by-path"
#: Characters of a line, beyond which an element's attributes are parted.
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Document:
    """One file to save: its name, what it is for, its XML, and libvirt's schema for it."""

    filename: str
    title: str
    schema: str
    xml: str


def documents(choice: Choice) -> tuple[Document, ...]:
    """Return the files of ``choice`` in the order of their use."""
    if choice.lifetime is Lifetime.PERSISTENT:
        first = Document(
            "pool.xml", "The storage pool that makes the vHBA", "storagepool", _text(pool(choice))
        )
    else:
        first = Document("vhba.xml", "The vHBA", "nodedev", _text(vhba(choice)))
    found = [first]
    if choice.bus is Bus.SCSI:
        title = "The guest's SCSI controller, if it has none yet"
        found.append(Document("controller.xml", title, "", _text(controller())))
    found.append(Document("disk.xml", "The guest's disk", "", _text(disk(choice))))
    return tuple(found)


def vhba(choice: Choice) -> Element:
    """The node device to create. ``name`` and ``host`` are there because the schema wants them: libvirt ignores both,
    the kernel numbers the new SCSI host itself."""
    device = Element("device")
    SubElement(device, "name").text = "vhba"
    parent = SubElement(device, "parent")
    if choice.parent_by is ParentBy.WWN:
        parent.set("wwnn", choice.parent.wwnn)
        parent.set("wwpn", choice.parent.wwpn)
    elif choice.parent_by is ParentBy.FABRIC:
        parent.set("fabric_wwn", choice.parent.fabric_wwn)
    else:
        parent.text = choice.parent.name
    host = SubElement(device, "capability", type="scsi_host")
    SubElement(host, "host").text = "0"
    port = SubElement(host, "capability", type="fc_host")
    SubElement(port, "wwnn").text = choice.wwnn.digits
    SubElement(port, "wwpn").text = choice.wwpn.digits
    return device


def pool(choice: Choice) -> Element:
    """The pool of type ``scsi`` on an ``fc_host``: libvirt makes the vHBA with it and, managed, ends it with it."""
    root = Element("pool", type="scsi")
    SubElement(root, "name").text = choice.pool
    adapter = SubElement(SubElement(root, "source"), "adapter", type="fc_host")
    if choice.parent_by is ParentBy.WWN:
        adapter.set("parent_wwnn", choice.parent.wwnn)
        adapter.set("parent_wwpn", choice.parent.wwpn)
    elif choice.parent_by is ParentBy.FABRIC:
        adapter.set("parent_fabric_wwn", choice.parent.fabric_wwn)
    else:
        adapter.set("parent", choice.parent.name)
    adapter.set("managed", "yes")
    adapter.set("wwnn", choice.wwnn.digits)
    adapter.set("wwpn", choice.wwpn.digits)
    SubElement(SubElement(root, "target"), "path").text = BY_PATH
    return root


def controller() -> Element:
    """A virtio-scsi controller with the number that disks get by default."""
    return Element("controller", type="scsi", index="0", model="virtio-scsi")


def disk(choice: Choice) -> Element:
    """The guest's disk: by volume of the pool, or by the path of the block device."""
    by_volume = choice.lun_by is LunBy.VOLUME
    root = Element("disk", type="volume" if by_volume else "block", device=choice.device.value)
    # The cache of the host must not stand between the guest and a LUN that another host may take over.
    SubElement(root, "driver", name="qemu", type="raw", cache="none")
    if by_volume:
        SubElement(root, "source", pool=choice.pool, volume=choice.volume)
    else:
        SubElement(root, "source", dev=choice.path)
    SubElement(root, "target", dev=choice.target, bus=choice.bus.value)
    return root


def trial_domain(choice: Choice) -> str:
    """A guest of libvirt's test driver with nothing but the disk, so that libvirt reads and checks that document."""
    domain = Element("domain", type="test")
    SubElement(domain, "name").text = choice.guest
    SubElement(domain, "memory").text = "65536"
    SubElement(SubElement(domain, "os"), "type").text = "hvm"
    devices = SubElement(domain, "devices")
    if choice.bus is Bus.SCSI:
        devices.append(controller())
    devices.append(disk(choice))
    return _text(domain)


def old_vhba(choice: Choice) -> str:
    """The node device as libvirt before 3.0.0 takes it: the parent by its name of today."""
    root = vhba(choice)
    parent = root.find("parent")
    assert parent is not None
    parent.attrib.clear()
    parent.text = choice.parent.name
    return _text(root)


def old_pool(choice: Choice) -> str:
    """The pool as libvirt 1.0.5 to 2.5 takes it: the parent by its name of today."""
    root = pool(choice)
    adapter = root.find("source/adapter")
    assert adapter is not None
    adapter.attrib.clear()
    for key, value in (
        ("type", "fc_host"),
        ("parent", choice.parent.name),
        ("wwnn", choice.wwnn.digits),
        ("wwpn", choice.wwpn.digits),
    ):
        adapter.set(key, value)
    return _text(root)


def oldest_pool(choice: Choice) -> str:
    """The pool as libvirt before 1.0.5 takes it: on a vHBA that is there already, by the number it got (here 6)."""
    root = pool(choice)
    adapter = root.find("source/adapter")
    assert adapter is not None
    adapter.attrib.clear()
    adapter.set("name", "host6")
    return _text(root)


def is_pass_through(choice: Choice) -> bool:
    """Whether the guest's SCSI commands reach the LUN."""
    return choice.device is DeviceKind.LUN


def _text(root: Element) -> str:
    """Return ``root`` with two spaces a level; an element too wide for a page has an attribute a line."""
    return "\n".join(_lines(root, "")) + "\n"


def _lines(element: Element, space: str) -> Iterator[str]:
    attributes = [f"{name}={quoteattr(value)}" for name, value in element.attrib.items()]
    begin = f"{space}<{' '.join([element.tag, *attributes])}"
    if len(begin) > WIDTH:
        begin = f"{space}<{element.tag} {attributes[0]}"
        begin += "".join(f"\n{space}  {attribute}" for attribute in attributes[1:])
    if element.text:
        yield f"{begin}>{escape(element.text)}</{element.tag}>"
    elif len(element):
        yield f"{begin}>"
        for child in element:
            yield from _lines(child, space + "  ")
        yield f"{space}</{element.tag}>"
    else:
        yield f"{begin}/>"
