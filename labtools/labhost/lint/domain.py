"""Read a libvirt domain: the devices that libvirt makes of its elements, as far as that is certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from xml.etree.ElementTree import Element

from labtools.labhost.host_xml import HostXmlError, parse_xml_with_places

from . import libvirt_names as names
from .command import CommandReader
from .findings import Finding, Lines, Place, Severity
from .pasted import CpuUse, DeviceUse, Form, Given, Kind, MachineUse, ObjectUse, Pasted, PasteError
from .words import Piece

_QEMU = ("qemu:commandline", "commandline")


def read_domain(text: str, lines: Lines) -> Pasted:
    """Read a ``<domain>``, or a single element of its ``<devices>``; :class:`PasteError` if it is neither."""
    try:
        root, places = parse_xml_with_places(text)
    except HostXmlError as error:
        line, column = error.place or (1, 1)
        at = lines.offset(line, column)
        raise PasteError(str(error), lines.place(at, at + 1)) from None
    return _Reader(text, lines, places).read(root)


class _Reader:
    def __init__(self, text: str, lines: Lines, places: Mapping[Element, tuple[int, int]]) -> None:
        self.text = text
        self.lines = lines
        self.places = places
        self.devices: list[DeviceUse] = []
        self.objects: list[ObjectUse] = []
        self.findings: list[Finding] = []
        self.target = ""
        self.videos = 0
        self.holds_secret = False
        self.command = CommandReader(lines)

    def place(self, element: Element, option: str = "") -> Place:
        """The start tag of an element."""
        start = self.lines.offset(*self.places[element])
        end = self.text.find(">", start)
        return self.lines.place(
            start, end + 1 if end >= 0 else len(self.text), option=option or f"<{element.tag}>"
        )

    def tell(self, severity: Severity, code: str, element: Element, message: str, advice: str = "") -> None:
        self.findings.append(Finding(severity, code, self.place(element), message, advice))

    def read(self, root: Element) -> Pasted:
        """Read the whole."""
        if root.tag == "domainsnapshot":
            root = root.find("domain") or root
        if root.tag in ("domain", "devices"):
            devices = root if root.tag == "devices" else root.find("devices")
        else:
            devices = Element("devices")
            devices.append(root)
        self.target = self.arch(root)
        elements = list(devices) if devices is not None else []
        if root.tag not in ("domain", "devices", *_ELEMENTS):
            raise PasteError(
                f"<{root.tag[:40]}> is neither a domain nor a device of one.",
                self.place(root),
            )
        for element in elements:
            self.device(element)
        self.secrets(root)
        machine, cpu = (self.machine(root), self.cpu(root)) if root.tag == "domain" else (None, None)
        for tag in _QEMU:
            for element in root.findall(tag):
                self.commandline(element)
        return self.pasted(root, machine, cpu, len(elements))

    def pasted(self, root: Element, machine: MachineUse | None, cpu: CpuUse | None, elements: int) -> Pasted:
        extra = self.command.pasted(Kind.COMMAND, self.text)
        kvm = root.get("type")
        return Pasted(
            kind=Kind.DOMAIN,
            text=self.text,
            devices=(*self.devices, *extra.devices),
            machine=extra.machine or machine,
            cpu=extra.cpu or cpu,
            objects=(*self.objects, *extra.objects),
            globals=extra.globals,
            accelerators={"kvm": ("kvm",), "qemu": ("tcg",)}.get(kvm or "", ()),
            target=self.target,
            findings=(*self.findings, *extra.findings),
            understood=(
                f"{elements} device element{'' if elements == 1 else 's'}",
                *([f"{self.command.options} options of qemu:commandline"] if self.command.options else []),
            ),
            holds_secret=self.holds_secret or extra.holds_secret,
        )

    def arch(self, root: Element) -> str:
        kind = root.find("os/type")
        return (
            {"i686": "i386", "armv7l": "arm"}.get(arch := kind.get("arch", ""), arch)
            if kind is not None
            else ""
        )

    def secrets(self, root: Element) -> None:
        # VNC and SPICE passwords stand in the domain; disks name theirs by a UUID.
        self.holds_secret = any(item.get("passwd") for item in root.iter("graphics"))

    def machine(self, root: Element) -> MachineUse | None:
        kind = root.find("os/type")
        name = "" if kind is None else kind.get("machine", "")
        return None if kind is None or not name else MachineUse(name, self.place(kind, "<type machine>"))

    def cpu(self, root: Element) -> CpuUse | None:
        cpu = root.find("cpu")
        if cpu is None:
            return None
        mode = cpu.get("mode", "custom")
        model = (cpu.findtext("model") or "").strip()
        features = []
        for feature in cpu.findall("feature"):
            is_off = feature.get("policy") in ("disable", "forbid")
            given = Given(feature.get("name", ""), "off" if is_off else "on", self.place(feature), Form.XML)
            features.append(("-" if is_off else "+", given))
        if mode in ("host-passthrough", "maximum"):
            model = "host" if mode == "host-passthrough" else "max"
        elif mode == "host-model":
            message = "libvirt chooses the model of host-model on the host itself; it is not checked here."
            self.tell(Severity.NOTE, "host-model", cpu, message)
            return None
        if not model:
            return None
        element = cpu.find("model") if mode == "custom" else cpu
        return CpuUse(
            model, self.place(cpu if element is None else element), tuple(features), is_from_libvirt=True
        )

    def commandline(self, element: Element) -> None:
        """The arguments that libvirt passes on as they are."""
        words = []
        for arg in element:
            if arg.tag not in ("qemu:arg", "arg"):
                continue
            value = arg.get("value", "")
            start = self.lines.offset(*self.places[arg])
            at = self.text.find(value, start) if "&" not in value else -1
            at = start if at < 0 else at
            words.append(Piece(value, range(at, at + len(value)), frozenset(), at))
        self.command.read(words)

    def device(self, element: Element) -> None:
        """Read one element of ``<devices>``."""
        found = _ELEMENTS.get(element.tag)
        if found is not None:
            found(self, element)

    def use(self, element: Element, driver: str, givens: Iterable[Given] = ()) -> None:
        """Note that libvirt makes ``driver`` of ``element``."""
        if driver:
            origin = f"<{element.tag}>"
            self.devices.append(
                DeviceUse(driver, self.place(element), tuple(givens), origin=origin, is_from_libvirt=True)
            )

    def virtio(self, element: Element, name: str, model: str = "") -> str:
        """The name of a virtio device here."""
        address = element.find("address")
        kind = "" if address is None else address.get("type", "")
        return names.on_transport(name, self.target, suffix=names.VIRTIO_SUFFIX.get(model, ""), address=kind)

    def givens(self, element: Element | None, table: Mapping[str, str]) -> list[Given]:
        """What ``table`` knows of the attributes of ``element``."""
        if element is None:
            return []
        return [
            Given(prop, element.get(name, ""), self.place(element, f"<{element.tag} {name}>"), Form.XML)
            for name, prop in table.items()
            if element.get(name) is not None
        ]


def _disk(reader: _Reader, disk: Element) -> None:
    target = disk.find("target")
    bus = "" if target is None else target.get("bus", "")
    kind = disk.get("device", "disk")
    givens: list[Given] = []
    if bus == "virtio":
        driver = disk.find("driver")
        givens = [
            *reader.givens(driver, names.BLK_DRIVER),
            *reader.givens(disk.find("blockio"), names.BLOCKIO),
        ]
        name = reader.virtio(disk, names.DISKS[bus], disk.get("model", ""))
    elif bus in ("ide", "sata", "scsi"):
        family = "scsi" if bus == "scsi" else "ide"
        name = "scsi-block" if kind == "lun" else f"{family}-cd" if kind == "cdrom" else f"{family}-hd"
        if kind != "lun":
            givens = reader.givens(disk.find("blockio"), names.BLOCKIO)
    else:
        name = names.DISKS.get(bus, "") if kind != "lun" else ""
    reader.use(disk, name, givens)


def _interface(reader: _Reader, interface: Element) -> None:
    model = interface.find("model")
    kind = "" if model is None else model.get("type", "")
    if interface.get("type") == "hostdev":
        reader.use(interface, "vfio-pci")
    elif not kind.startswith("virtio"):
        reader.use(interface, kind)
    else:
        driver = interface.find("driver")
        givens = reader.givens(driver, names.NET_DRIVER)
        if driver is not None:
            givens += reader.givens(driver.find("host"), names.NET_HOST)
            givens += reader.givens(driver.find("guest"), names.NET_GUEST)
        givens += reader.givens(interface.find("mtu"), {"size": "host_mtu"})
        reader.use(interface, reader.virtio(interface, "virtio-net", kind), givens)


def _controller(reader: _Reader, controller: Element) -> None:
    kind, model = controller.get("type", ""), controller.get("model", "")
    named = controller.find("model")
    givens: list[Given] = []
    if kind == "usb":
        name = names.USB_CONTROLLERS.get(model, "")
    elif kind == "scsi":
        name = names.SCSI_CONTROLLERS.get(model, "")
        if name.startswith("virtio"):
            name = reader.virtio(controller, name)
            givens = reader.givens(controller.find("driver"), names.SCSI_DRIVER)
    elif kind == "pci":
        name = "" if named is None else named.get("name", "")
        name = (
            name if name.islower() and not name.startswith("spapr") else names.PCI_CONTROLLERS.get(model, "")
        )
    elif kind == "virtio-serial":
        name = reader.virtio(controller, "virtio-serial", model)
    else:
        name = {"ccid": "usb-ccid", "sata": "ich9-ahci"}.get(kind, "")
    reader.use(controller, name, givens)


def _video(reader: _Reader, video: Element) -> None:
    model = video.find("model")
    if model is None:
        return
    kind = model.get("type", "")
    first = model.get("primary", "yes" if reader.videos == 0 else "no") == "yes"
    reader.videos += 1
    name = names.VIDEOS.get(kind, "")
    acceleration = model.find("acceleration")
    if kind == "virtio":
        has_vga = first and reader.target in ("", "x86_64", "i386", "ppc64")
        gl = "-gl" if acceleration is not None and acceleration.get("accel3d") == "yes" else ""
        # QEMU 6.1 and later have a type of its own for 3D; before, it was an option.
        reader.use(video, f"virtio-vga{gl}" if has_vga else reader.virtio(video, f"virtio-gpu{gl}"))
    else:
        reader.use(video, name if first else names.SECOND_VIDEOS.get(kind, name))


def _hostdev(reader: _Reader, hostdev: Element) -> None:
    kind = hostdev.get("type", "")
    if kind == "mdev":
        model = hostdev.get("model", "")
        reader.use(hostdev, model if model.startswith("vfio-") else "")
    elif kind == "scsi_host":
        reader.use(hostdev, reader.virtio(hostdev, "vhost-scsi", hostdev.get("model", "")))
    else:
        reader.use(hostdev, {"pci": "vfio-pci", "usb": "usb-host", "scsi": "scsi-generic"}.get(kind, ""))


def _sound(reader: _Reader, sound: Element) -> None:
    reader.use(sound, names.SOUNDS.get(sound.get("model", ""), ""))
    for codec in sound.findall("codec"):
        reader.use(codec, names.CODECS.get(codec.get("type", ""), ""))


def _rng(reader: _Reader, rng: Element) -> None:
    reader.use(
        rng,
        reader.virtio(rng, "virtio-rng", rng.get("model", "")),
        reader.givens(rng.find("driver"), names.VIRTIO_DRIVER),
    )
    backend = rng.find("backend")
    if backend is not None:
        kind = {"random": "rng-random", "egd": "rng-egd", "builtin": "rng-builtin"}.get(
            backend.get("model", "")
        )
        if kind:
            reader.objects.append(ObjectUse(kind, "", reader.place(backend)))


def _balloon(reader: _Reader, balloon: Element) -> None:
    model = balloon.get("model", "")
    if model.startswith("virtio"):
        givens = reader.givens(balloon, names.BALLOON)
        givens += reader.givens(balloon.find("driver"), names.VIRTIO_DRIVER)
        reader.use(balloon, reader.virtio(balloon, "virtio-balloon", model), givens)


def _filesystem(reader: _Reader, filesystem: Element) -> None:
    driver = filesystem.find("driver")
    kind = "" if driver is None else driver.get("type", "")
    name = "vhost-user-fs" if kind == "virtiofs" else "virtio-9p"
    reader.use(filesystem, reader.virtio(filesystem, name, filesystem.get("model", "")))


def _input(reader: _Reader, item: Element) -> None:
    name = names.INPUTS.get((item.get("type", ""), item.get("bus", "")), "")
    reader.use(item, reader.virtio(item, name, item.get("model", "")) if name else "")


def _serial(reader: _Reader, item: Element) -> None:
    model = item.find("target/model")
    name = "" if model is None else model.get("name", "")
    reader.use(item, name if name.endswith("-serial") and not name.startswith("spapr") else "")


def _channel(reader: _Reader, item: Element) -> None:
    target = item.find("target")
    kind = "" if target is None else target.get("type", "")
    channel = "virtserialport" if item.tag == "channel" else "virtconsole"
    reader.use(item, channel if kind == "virtio" else "")


def _model(table: Mapping[str, str], attribute: str = "model") -> Callable[[_Reader, Element], None]:
    """For elements whose attribute alone says which device it is."""

    def read(reader: _Reader, element: Element) -> None:
        name = table.get(element.get(attribute, ""), "")
        reader.use(element, reader.virtio(element, name) if name else "")

    return read


_ELEMENTS: dict[str, Callable[[_Reader, Element], None]] = {
    "disk": _disk,
    "interface": _interface,
    "controller": _controller,
    "video": _video,
    "hostdev": _hostdev,
    "sound": _sound,
    "rng": _rng,
    "memballoon": _balloon,
    "filesystem": _filesystem,
    "input": _input,
    "serial": _serial,
    "channel": _channel,
    "console": _channel,
    "watchdog": _model(names.WATCHDOGS),
    "tpm": _model(names.TPMS),
    "panic": _model(names.PANICS),
    "memory": _model(names.MEMORIES),
    "iommu": _model(names.IOMMUS),
    "vsock": _model({"virtio": "vhost-vsock"}),
    "crypto": _model({"virtio": "virtio-crypto"}),
    "shmem": lambda reader, item: reader.use(
        item,
        {"ivshmem-plain": "ivshmem-plain", "ivshmem-doorbell": "ivshmem-doorbell"}.get(
            "" if (model := item.find("model")) is None else model.get("type", ""), ""
        ),
    ),
    "redirdev": lambda reader, item: reader.use(item, "usb-redir" if item.get("bus") == "usb" else ""),
    "hub": lambda reader, item: reader.use(item, "usb-hub" if item.get("type") == "usb" else ""),
}
