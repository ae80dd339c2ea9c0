"""What an argument of a template may be. Every value is matched whole against ASCII; what does not match is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

#: Bytes that an image may seem to have for its guest. The file is sparse, and bounded by the sandbox.
MAX_SIZE = 1 << 44
#: Bytes of one read or write by qemu-io.
MAX_TRANSFER = 16 << 20
_UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}

#: Endings of names by which images go. A document, which an article writes, ends in .xml and is no image.
IMAGE_SUFFIXES = ("qcow2", "img", "raw", "qed", "vdi", "vmdk", "vhd", "vhdx", "vpc")


@dataclass(frozen=True, slots=True)
class Kind:
    """A set of strings. ``words`` completes "must be …"."""

    words: str
    pattern: re.Pattern[str]
    also: Callable[[str], bool] = lambda _: True

    def takes(self, value: object) -> bool:
        """Whether ``value`` is one of them."""
        return (
            isinstance(value, str)
            and len(value) <= 300
            and self.pattern.fullmatch(value) is not None
            and self.also(value)
        )


def _kind(words: str, pattern: str, also: Callable[[str], bool] = lambda _: True) -> Kind:
    return Kind(words, re.compile(pattern, re.ASCII), also)


def one_of(*words: str) -> Kind:
    """One of these words."""
    return _kind("one of " + ", ".join(words), "|".join(re.escape(word) for word in words))


def size_in_bytes(text: str) -> int:
    """Bytes of a size as QEMU writes it: a number, with a unit of 1024 or none."""
    number, unit = text.rstrip("bkmgtBKMGT"), text.lstrip("0123456789").lower()
    return int(number) << _UNITS[unit]


def _is_size(limit: int) -> Callable[[str], bool]:
    return lambda value: size_in_bytes(value.lstrip("+")) <= limit


def _is_image_option(value: str) -> bool:
    keys = [part.partition("=")[0] for part in value.split(",")]
    return len(keys) == len(set(keys))


_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}(?:\.[A-Za-z0-9_-]{1,20}){0,2}"
_SIZE = r"[0-9]{1,15}[bBkKmMgGtT]?"
_TRANSFER = r"(?:0x[0-9a-f]{1,10}|[0-9]{1,12}[kKmMgG]?)"
_PATTERN = r"(?: -P (?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3}))?"
_IMAGE_OPTION = (
    r"(?:cluster_size=[0-9]{3,7}[kKmM]?|cluster_size=[0-9]{1,4}[kKmM]|compat=(?:0\.10|1\.1|v2|v3)"
    r"|lazy_refcounts=(?:on|off)|refcount_bits=(?:1|2|4|8|16|32|64)|extended_l2=(?:on|off)"
    r"|preallocation=(?:off|metadata)|compression_type=(?:zlib|zstd))"
)


def _is_transfer(command: str) -> bool:
    length = command.split()[-1]
    return (int(length, 16) if length.startswith("0x") else size_in_bytes(length)) <= MAX_TRANSFER


IMAGE = _kind(
    "the plain name of an image in the check's own folder, such as disk.qcow2 "
    f"(ending in {', '.join(IMAGE_SUFFIXES)})",
    rf"{_NAME}\.(?:{'|'.join(IMAGE_SUFFIXES)})",
)
DOCUMENT = _kind(
    "the plain name of a document that the article gives, such as vhba.xml",
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}\.xml",
)
FORMAT = one_of("qcow2", "raw", "qed", "vdi", "vmdk", "vpc", "vhdx")
SIZE = _kind("a size such as 1000M, at most 16T", _SIZE, _is_size(MAX_SIZE))
GROWN_SIZE = _kind("a size such as 1300K or +64K, at most 256M", r"[+]?" + _SIZE, _is_size(256 << 20))
NEW_SIZE = _kind("a size such as 20G or +10G, at most 16T", r"[+]?" + _SIZE, _is_size(MAX_SIZE))
IMAGE_OPTIONS = _kind(
    "options of qcow2 that name no file: cluster_size, compat, lazy_refcounts, refcount_bits, extended_l2, "
    "preallocation (off or metadata), compression_type",
    rf"{_IMAGE_OPTION}(?:,{_IMAGE_OPTION}){{0,6}}",
    _is_image_option,
)
SNAPSHOT = _kind("a plain name of a snapshot", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")
TRANSFER = _kind(
    "read, write or discard with an offset and a length of at most 16M",
    rf"(?:read(?: -q)?(?: -v)?{_PATTERN}|write(?: -q)?(?: -z)?{_PATTERN}|discard(?: -q)?) {_TRANSFER} {_TRANSFER}",
    _is_transfer,
)
OUTPUT = one_of("human", "json")
COUNT = _kind("a number of at most 4 digits", r"[0-9]{1,4}")
OFFSET = _kind("an offset in decimal, or in hexadecimal after 0x", r"0x[0-9a-fA-F]{1,10}|[0-9]{1,10}")
#: libvirt's names of pools, volumes, guests, networks and node devices, and UUIDs.
THING = _kind("the plain name of a thing of libvirt", r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,80}")
VOLUME = _kind("the plain name of a volume", r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,80}")
CAPABILITY = _kind("names of capabilities, such as vports", r"[a-z_]{2,20}(?:,[a-z_]{2,20}){0,5}")
TARGET_PATH = _kind(
    "a path without dots and spaces, such as /dev/disk/by-path", r"(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,60}){1,6}"
)
WWN = _kind("a WWN of 16 hexadecimal digits", r"[0-9a-fA-F]{16}")
ARCHITECTURE = one_of("x86_64", "i686", "aarch64", "armv7l", "ppc64", "riscv64", "s390x")
MACHINE_HELP = _kind("a machine type and ,help", r"[A-Za-z][A-Za-z0-9_.-]{0,60},help")
DEVICE_HELP = _kind("a device's name and ,help", r"[A-Za-z][A-Za-z0-9_.-]{0,60},help")
