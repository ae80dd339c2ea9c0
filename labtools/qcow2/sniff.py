"""What a file is, by its own bytes: never by its name, and never by opening what it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .source import ImageSource

_ISO_MARK_OFFSET: Final = 32769
_HEAD: Final = 4096


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. ``code`` is stable; ``qemu_driver`` is QEMU's name for it, where QEMU can read it.

    ``sentence`` says plainly what the file is; ``command`` is the way on, with IMAGE for the file, if there
    is one.
    """

    code: str
    name: str
    sentence: str
    command: str | None = None
    qemu_driver: str | None = None


def _disk(code: str, name: str, maker: str, driver: str | None = None) -> Format:
    driver = driver or code
    return Format(
        code,
        name,
        f"This is a disk image in the format {name} ({maker}), not qcow2. qemu-img can convert it.",
        f"qemu-img convert -p -f {driver} -O qcow2 IMAGE disk.qcow2",
        driver,
    )


def _raw(code: str, name: str, what: str) -> Format:
    return Format(
        code,
        name,
        f"This is a raw disk image: {what}. A raw image has no metadata to check.",
        "qemu-img convert -p -f raw -O qcow2 IMAGE disk.qcow2",
        "raw",
    )


def _packed(code: str, name: str, command: str) -> Format:
    return Format(
        code, name, f"This is a file compressed with {name}. Unpack it; the image should be inside.", command
    )


QCOW2: Final = Format("qcow2", "qcow2", "This is a qcow2 image.", "qemu-img check -f qcow2 IMAGE", "qcow2")
EMPTY: Final = Format(
    "empty", "empty file", "The file is empty. The copy or the download did not take place."
)
QCOW1: Final = Format(
    "qcow",
    "qcow version 1",
    "This is an image of the old format qcow, version 1, which has no refcounts to check. qemu-img can "
    "convert it.",
    "qemu-img convert -p -f qcow -O qcow2 IMAGE disk.qcow2",
    "qcow",
)
TRUNCATED_QCOW: Final = Format(
    "qcow2-truncated",
    "beginning of a qcow2 image",
    "The file begins like a qcow2 image but ends before the version number.",
)
VMDK: Final = _disk("vmdk", "VMDK", "VMware")
VMDK_DESCRIPTOR: Final = Format(
    "vmdk-descriptor",
    "VMDK descriptor",
    "This is only the descriptor of a VMDK image (VMware): a text that names the files with the data. "
    "Keep it beside those files and convert them together.",
    "qemu-img convert -p -f vmdk -O qcow2 IMAGE disk.qcow2",
    "vmdk",
)
VDI: Final = _disk("vdi", "VDI", "VirtualBox")
VHD: Final = _disk("vhd", "VHD", "Virtual PC and Hyper-V", "vpc")
VHDX: Final = _disk("vhdx", "VHDX", "Hyper-V")
QED: Final = _disk("qed", "QED", "an older format of QEMU")
PARALLELS: Final = _disk("parallels", "Parallels", "Parallels Desktop and Virtuozzo")
GZIP: Final = _packed("gzip", "gzip", "gunzip -k IMAGE")
XZ: Final = _packed("xz", "xz", "unxz -k IMAGE")
ZSTD: Final = _packed("zstd", "zstd", "unzstd IMAGE")
BZIP2: Final = _packed("bzip2", "bzip2", "bunzip2 -k IMAGE")
ZIP: Final = Format(
    "zip", "zip archive", "This is a zip archive. Unpack it; the image should be inside.", "unzip IMAGE"
)
TAR: Final = Format(
    "tar", "tar archive", "This is a tar archive. Unpack it; the image should be inside.", "tar -xf IMAGE"
)
OVA: Final = Format(
    "ova",
    "OVA appliance",
    "This is an OVA appliance: a tar archive with a description and disks, usually VMDK. Unpack it and "
    "convert a disk.",
    "tar -xf IMAGE",
)
ISO: Final = Format(
    "iso",
    "ISO 9660 image",
    "This is an ISO 9660 image, a CD or DVD. Attach it to a guest as a CD-ROM; it is not a disk to convert.",
    "qemu-img info -f raw IMAGE",
    "raw",
)
LUKS: Final = Format(
    "luks",
    "LUKS volume",
    "This is a LUKS encrypted volume, not qcow2. qemu-img can read it with its passphrase.",
    "qemu-img info -f luks IMAGE",
    "luks",
)
ELF: Final = Format("elf", "ELF program", "This is a program or library (ELF), not a disk image.")
HTML: Final = Format(
    "html",
    "web page",
    "This is a web page. The download probably brought an error or sign-in page instead of the image.",
)
TEXT: Final = Format("text", "text", "This is a text file, not a disk image.")
RAW_GPT: Final = _raw("raw-gpt", "raw image with GPT", "it begins with a GUID partition table (GPT)")
RAW_MBR: Final = _raw(
    "raw-mbr", "raw image with boot sector", "it begins with a boot sector (MBR signature 55 aa)"
)
RAW_FILESYSTEM: Final = _raw(
    "raw-filesystem", "raw file system", "it begins with a file system and no partitions"
)
ZEROS: Final = Format(
    "zeros",
    "zeros",
    "The file begins with nothing but zeros. It may be an empty raw disk; if it should be a qcow2 image, "
    "its header was overwritten or its download never filled in.",
    "qemu-img info -f raw IMAGE",
    "raw",
)
UNKNOWN: Final = Format(
    "unknown",
    "unknown",
    "This is not a qcow2 image, nor any other format known here. "
    "If it should be qcow2, its first bytes were overwritten.",
)

# (offset, bytes, format); the first that fits decides, so the more certain marks come first.
_MARKS: Final = (
    (0, b"KDMV", VMDK),
    (0, b"COWD", VMDK),
    (0, b"# Disk DescriptorFile", VMDK_DESCRIPTOR),
    (64, b"\x7f\x10\xda\xbe", VDI),
    (0, b"conectix", VHD),
    (0, b"vhdxfile", VHDX),
    (0, b"QED\0", QED),
    (0, b"WithoutFreeSpace", PARALLELS),
    (0, b"WithouFreSpacExt", PARALLELS),
    (0, b"\x1f\x8b\x08", GZIP),
    (0, b"\xfd7zXZ\0", XZ),
    (0, b"\x28\xb5\x2f\xfd", ZSTD),
    (0, b"BZh", BZIP2),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"LUKS\xba\xbe", LUKS),
    (0, b"\x7fELF", ELF),
)

_RAW_MARKS: Final = (
    (512, b"EFI PART", RAW_GPT),
    (4096, b"EFI PART", RAW_GPT),
    (510, b"\x55\xaa", RAW_MBR),
    (1080, b"\x53\xef", RAW_FILESYSTEM),
    (0, b"XFSB", RAW_FILESYSTEM),
    (512, b"LABELONE", RAW_FILESYSTEM),
)


def sniff(source: ImageSource) -> Format:
    """Name the format of a file from a few small reads at its beginning, at 32769 and at its end."""
    if source.length == 0:
        return EMPTY
    head = source.pread(0, _HEAD + 8)
    return _by_mark(head) or _by_place(source, head) or _by_content(head)


def _has(head: bytes, offset: int, mark: bytes) -> bool:
    return head[offset : offset + len(mark)] == mark


def _by_mark(head: bytes) -> Format | None:
    if _has(head, 0, b"QFI\xfb"):
        if len(head) < 8:
            return TRUNCATED_QCOW
        return QCOW1 if int.from_bytes(head[4:8]) == 1 else QCOW2
    for offset, mark, found in _MARKS:
        if _has(head, offset, mark):
            return found
    if _has(head, 257, b"ustar"):
        return OVA if head[:100].rstrip(b"\0").endswith(b".ovf") else TAR
    return None


def _by_place(source: ImageSource, head: bytes) -> Format | None:
    # Before the boot sector: an installer's ISO usually carries one too, to boot from a memory stick.
    if source.pread(_ISO_MARK_OFFSET, 5) == b"CD001":
        return ISO
    # A fixed VHD is a raw disk with a footer, so this too goes before the boot sector.
    if source.length >= 512 and source.pread(source.length - 512, 8) == b"conectix":
        return VHD
    for offset, mark, found in _RAW_MARKS:
        if _has(head, offset, mark):
            return found
    return None


def _by_content(head: bytes) -> Format:
    if not head.strip(b"\0"):
        return ZEROS
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return HTML
    return TEXT if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut where the reading stopped.
        return len(head) - error.start < 4 and len(head) > _HEAD
    return True
