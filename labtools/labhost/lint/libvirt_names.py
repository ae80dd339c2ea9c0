"""Which QEMU device libvirt makes of an element of a domain, and which property of an attribute.

From libvirt's documentation of the domain format (formatdomain) and what its QEMU driver writes on a command line.
Both the linter and the builder use these tables.
"""

from __future__ import annotations

from collections.abc import Mapping

#: ``<controller type='usb' model='…'>``.
USB_CONTROLLERS = {
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "ehci": "usb-ehci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
    "pci-ohci": "pci-ohci",
    "nec-xhci": "nec-usb-xhci",
    "qemu-xhci": "qemu-xhci",
}
#: ``<controller type='scsi' model='…'>``.
SCSI_CONTROLLERS = {
    "virtio-scsi": "virtio-scsi",
    "virtio-transitional": "virtio-scsi-transitional",
    "virtio-non-transitional": "virtio-scsi-non-transitional",
    "lsilogic": "lsi",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "am53c974": "am53c974",
    "dc390": "dc390",
}
#: ``<controller type='pci' model='…'>``, where no ``<model name='…'/>`` says it.
PCI_CONTROLLERS = {
    "pci-bridge": "pci-bridge",
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pcie-root-port": "pcie-root-port",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pci-expander-bus": "pxb",
    "pcie-expander-bus": "pxb-pcie",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
}
#: ``<input type='…' bus='…'>``; those on ps2 are part of the machine.
INPUTS = {
    ("tablet", "usb"): "usb-tablet",
    ("mouse", "usb"): "usb-mouse",
    ("keyboard", "usb"): "usb-kbd",
    ("tablet", "virtio"): "virtio-tablet",
    ("mouse", "virtio"): "virtio-mouse",
    ("keyboard", "virtio"): "virtio-keyboard",
    ("passthrough", "virtio"): "virtio-input-host",
}
#: ``<sound model='…'>``.
SOUNDS = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
    "usb": "usb-audio",
    "sb16": "sb16",
    "virtio": "virtio-sound-pci",
}
#: ``<codec type='…'/>`` of a sound device.
CODECS = {"duplex": "hda-duplex", "micro": "hda-micro", "output": "hda-output"}
#: ``<video><model type='…'/>`` of the first video device, on x86.
VIDEOS = {
    "vga": "VGA",
    "cirrus": "cirrus-vga",
    "vmvga": "vmware-svga",
    "qxl": "qxl-vga",
    "virtio": "virtio-vga",
    "bochs": "bochs-display",
    "ramfb": "ramfb",
}
#: … and of the others.
SECOND_VIDEOS = {"qxl": "qxl", "virtio": "virtio-gpu"}
#: ``<watchdog model='…'>``; itco is part of the q35 machine.
WATCHDOGS = {"i6300esb": "i6300esb", "ib700": "ib700", "diag288": "diag288"}
#: ``<tpm model='…'>``.
TPMS = {"tpm-tis": "tpm-tis", "tpm-crb": "tpm-crb", "tpm-spapr": "tpm-spapr"}
#: ``<panic model='…'>``.
PANICS = {"isa": "pvpanic", "pvpanic": "pvpanic-pci"}
#: ``<memory model='…'>``.
MEMORIES = {
    "dimm": "pc-dimm",
    "nvdimm": "nvdimm",
    "virtio-mem": "virtio-mem-pci",
    "virtio-pmem": "virtio-pmem-pci",
}
#: ``<iommu model='…'>``.
IOMMUS = {"intel": "intel-iommu", "virtio": "virtio-iommu"}
#: Disks by bus; ``-hd`` and ``-cd`` are added for ide, sata and scsi.
DISKS = {"virtio": "virtio-blk", "usb": "usb-storage", "fdc": "floppy", "sd": "sd-card"}

#: Attributes of ``<driver>`` that every virtio device may have, and their properties.
VIRTIO_DRIVER = {
    "iommu": "iommu_platform",
    "ats": "ats",
    "packed": "packed",
    "page_per_vq": "page-per-vq",
}
#: Attributes of ``<driver>``: of a disk on virtio.
BLK_DRIVER = {
    "queues": "num-queues",
    "queue_size": "queue-size",
    "event_idx": "event_idx",
    "ioeventfd": "ioeventfd",
    **VIRTIO_DRIVER,
}
#: … of a network interface on virtio.
NET_DRIVER = {
    "rx_queue_size": "rx_queue_size",
    "tx_queue_size": "tx_queue_size",
    "event_idx": "event_idx",
    "ioeventfd": "ioeventfd",
    "rss": "rss",
    "rss_hash_report": "hash",
    **VIRTIO_DRIVER,
}
#: … of a virtio-scsi controller.
SCSI_DRIVER = {
    "queues": "num_queues",
    "cmd_per_lun": "cmd_per_lun",
    "max_sectors": "max_sectors",
    "ioeventfd": "ioeventfd",
    **VIRTIO_DRIVER,
}
#: Attributes of ``<blockio>`` of a disk.
BLOCKIO = {
    "logical_block_size": "logical_block_size",
    "physical_block_size": "physical_block_size",
    "discard_granularity": "discard_granularity",
}
#: Attributes of ``<driver><host …/>`` and ``<guest …/>`` of an interface.
NET_HOST = {
    "csum": "csum",
    "gso": "gso",
    "tso4": "host_tso4",
    "tso6": "host_tso6",
    "ecn": "host_ecn",
    "ufo": "host_ufo",
    "mrg_rxbuf": "mrg_rxbuf",
}
NET_GUEST = {
    "csum": "guest_csum",
    "tso4": "guest_tso4",
    "tso6": "guest_tso6",
    "ecn": "guest_ecn",
    "ufo": "guest_ufo",
}
#: Attributes of ``<memballoon>``.
BALLOON = {"autodeflate": "deflate-on-oom", "freePageReporting": "free-page-reporting"}
#: The end of a virtio device's name for a model; in this order, as one end is the end of the other.
VIRTIO_SUFFIX: Mapping[str, str] = {
    "virtio-non-transitional": "-non-transitional",
    "virtio-transitional": "-transitional",
}
#: Virtio types that have no PCI variant of their own name.
PLAIN = frozenset({"virtio-vga", "virtio-sound-pci", "virtio-mem-pci", "virtio-pmem-pci"})


def on_transport(name: str, target: str, *, suffix: str = "", address: str = "") -> str:
    """A virtio device on the bus of a target: -ccw on s390x, -device on virtio-mmio, else -pci."""
    if not name.startswith(("virtio-", "vhost-")) or name in PLAIN:
        return name
    for tail in VIRTIO_SUFFIX.values():
        if name.endswith(tail):
            name, suffix = name.removesuffix(tail), tail
    if address == "virtio-mmio":
        return f"{name}-device"
    if address == "ccw" or (target == "s390x" and address != "pci"):
        return f"{name}-ccw"
    return f"{name}-pci{suffix}"
