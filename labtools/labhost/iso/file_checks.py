"""Is it there, is it a file, and is it an ISO 9660 image that is whole? libvirt lists it either way (measured)."""

from __future__ import annotations

import re

from .commands import quoted
from .descriptor import OFFSET, Kind, VolumeDescriptor
from .facts import Facts, FileFacts, Source
from .findings import Cause, Certainty, Effect, Finding, Notes, Step, Unknown, Way
from .pool_checks import is_there

#: How other files begin, and the command that unpacks one to standard output.
_PACKED = (
    (b"\x1f\x8b", "gzip", "gzip -dc"),
    (b"\xfd7zXZ\0", "xz", "xz -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "zstd -dc"),
    (b"PK\x03\x04", "ZIP", "unzip -p"),
)
_OTHERS = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"QFI\xfb", "a qcow2 disk image"),
    (b"MZ", "a Windows program"),
    (b"%PDF", "a PDF document"),
)
_UNFINISHED = re.compile(r"\.(part|partial|crdownload|download|aria2|tmp|!ut)$", re.IGNORECASE)
#: Some programs count 150 sectors of padding in the volume that they then do not write.
PADDING = 150 * 2048


def check_file(facts: Facts, notes: Notes) -> None:
    """Add what the file itself tells."""
    there = is_there(facts)
    if there is False:
        notes.findings.append(_missing(facts))
        return
    if there is None and facts.path_trouble is not None:
        command = f"sudo namei -l -- {quoted(facts.path)}"
        notes.unknown.append(Unknown(f"Whether the file exists ({facts.path_trouble}): run as root", command))
    if facts.file is None:
        command = f"stat -L -c 'type=%F size=%s mode=%a uid=%u gid=%g' -- {quoted(facts.path)}"
        notes.unknown.append(Unknown("The kind and the size of the file", command))
    elif not facts.file.kind.startswith("regular"):
        if not facts.file.kind.startswith("block"):
            notes.findings.append(_no_file(facts, facts.file))
        return
    _check_name(facts, notes)
    _check_contents(facts, notes)


def _missing(facts: Facts) -> Finding:
    link = next((step for step in facts.components or () if step.link_to is not None), None)
    words = (
        f"{link.path} is a symbolic link to {link.link_to}, which is not there. libvirt leaves such a link out."
        if link
        else "Look for a spelling mistake (capitals count) or another machine: a connection to another host shows "
        "that host's files, and paths are the host's."
    )
    return Finding(
        Cause.PATH_MISSING,
        Effect.HIDES,
        Certainty.CERTAIN,
        "There is no file with this path" if link is None else "The path is a link that leads nowhere",
        words,
        tuple(line for line in (link.line if link else "", facts.path_trouble or "") if line),
        (Way("Find the file", (Step(_find(facts), "the paths of files with this name"),)),),
    )


def _find(facts: Facts) -> str:
    name = re.sub(r"([][*?\\])", r"\\\1", facts.path.rpartition("/")[2])
    return f"find / -xdev -iname {quoted(name)} 2>/dev/null"


def _no_file(facts: Facts, file: FileFacts) -> Finding:
    return Finding(
        Cause.NOT_A_FILE,
        Effect.HIDES if file.kind in ("fifo", "socket") else Effect.STOPS_GUEST,
        Certainty.CERTAIN,
        f"The path is a {file.kind}, not a file",
        "libvirt leaves FIFOs and sockets out and lists a directory as a volume of type dir, which is no disc.",
        (file.line,),
        (Way("See what is in it", (Step(f"ls -la -- {quoted(facts.path)}", "its entries"),)),),
    )


def _check_name(facts: Facts, notes: Notes) -> None:
    name = facts.path.rpartition("/")[2]
    if not _UNFINISHED.search(name):
        notes.checked.append(
            "The name is no cause, with or without .iso: libvirt looks at the contents, and virt-manager shows every "
            "volume of a pool."
        )
        return
    finished = f"{facts.path.rpartition('/')[0]}/{_UNFINISHED.sub('', name)}"
    rename = Step(
        f"sudo mv -n -- {quoted(facts.path)} {quoted(finished)}",
        "nothing",
        f"sudo mv -n -- {quoted(finished)} {quoted(facts.path)}",
        "Only once the download is complete; then refresh the pool.",
    )
    notes.findings.append(
        Finding(
            Cause.UNFINISHED_NAME,
            Effect.NOTE,
            Certainty.LIKELY,
            "The name is that of an unfinished download",
            "Browsers and download programs use this ending until a download is complete. libvirt lists the file under "
            "exactly this name; look for it in the list, or finish the download first.",
            (name,),
            (Way("Give it its name", (rename,)),),
        )
    )


def _check_contents(facts: Facts, notes: Notes) -> None:
    size = facts.file.size if facts.file else None
    if facts.descriptor is None and (size is None or size > OFFSET or facts.beginning is None):
        what = "Whether it is an ISO 9660 image and whole"
        if facts.source is Source.INVENTORY:
            what += " (the lab's probe does not read files)"
        command = f"dd if={quoted(facts.path)} bs=2048 skip=16 count=1 status=none | od -A n -t x1 -v -N 192"
        notes.unknown.append(Unknown(what, command))
        return
    descriptor = facts.descriptor or VolumeDescriptor(Kind.NONE)
    if descriptor.kind is Kind.NONE:
        notes.findings.append(_no_iso(facts))
    elif descriptor.kind is not Kind.PRIMARY:
        notes.checked.append(
            f"Sector 16 holds {descriptor.kind.value}, which does not tell how long the image must be."
        )
    elif descriptor.volume_bytes is None:
        notes.findings.append(_damaged(facts, descriptor))
    elif size is not None and descriptor.volume_bytes > size:
        notes.findings.append(_truncated(facts, descriptor.volume_bytes, size, descriptor))
    elif size is not None:
        notes.checked.append(
            f"It is an ISO 9660 image (volume identifier “{descriptor.label}”) and whole: its volume has "
            f"{descriptor.volume_bytes:,} bytes, the file {size:,}."
        )


def _download_way(facts: Facts) -> Way:
    step = Step(
        f"sha256sum -- {quoted(facts.path)}",
        "64 hex digits and the path: compare them with the checksum that the publisher gives",
        "",
        "Where they differ, download the file again.",
    )
    return Way("Compare the checksum and download again", (step,))


def _no_iso(facts: Facts) -> Finding:
    beginning = facts.beginning or b""
    packed = next(((name, tool) for magic, name, tool in _PACKED if beginning.startswith(magic)), None)
    if packed:
        what = f"It is compressed with {packed[0]}"
        way = _unpack_way(facts, packed[1])
    else:
        way = _download_way(facts)
        what = _described(facts, beginning)
    size = [facts.file.line] if facts.file else []
    return Finding(
        Cause.NOT_AN_ISO,
        Effect.STOPS_GUEST,
        Certainty.CERTAIN,
        "The file is not an ISO 9660 image",
        f"{what}. An ISO has “CD001” at the bytes 32,769 to 32,773 (ECMA-119, 8.4), and this file has not. libvirt "
        "lists it all the same, with the format raw, but no guest starts from it as a disc.",
        (*size, f"first bytes: {beginning[:16].hex(' ')}"),
        (way,),
    )


def _described(facts: Facts, beginning: bytes) -> str:
    text = beginning.lstrip().lower()
    other = next((words for magic, words in _OTHERS if beginning.startswith(magic)), None)
    if facts.file and facts.file.size == 0:
        return "The file is empty"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return "It is a web page: the download saved what the server said instead of the image"
    if other:
        return f"It is {other}"
    if beginning and not any(beginning) and facts.file and facts.file.size < OFFSET + 6:
        return "It is too short to be one"
    return "What it is instead cannot be told from its first bytes"


def _unpack_way(facts: Facts, tool: str) -> Way:
    stem = re.sub(r"\.(gz|xz|bz2|zst|zip)$", "", facts.path, flags=re.IGNORECASE)
    target = (
        stem
        if stem != facts.path and stem.lower().endswith(".iso")
        else f"{stem.removesuffix('.iso')}-unpacked.iso"
    )
    command = f"{tool} {'' if tool.startswith('unzip') else '< '}{quoted(facts.path)} > {quoted(target)}"
    step = Step(
        command, "nothing", f"rm -- {quoted(target)}", "Where you may not write there: sudo -s before."
    )
    look = Step(f"file -- {quoted(target)}", f"{target}: ISO 9660 CD-ROM filesystem data …")
    return Way("Unpack it, then refresh the pool", (step, look))


def _damaged(facts: Facts, descriptor: VolumeDescriptor) -> Finding:
    return Finding(
        Cause.NOT_AN_ISO,
        Effect.STOPS_GUEST,
        Certainty.LIKELY,
        "The primary volume descriptor is damaged",
        "The descriptor holds each number in both byte orders (ECMA-119, 7.3.3); here they do not agree, or make no "
        "sense. The image was damaged or never finished.",
        (f"volume space size {descriptor.blocks}, logical block size {descriptor.block_size}",),
        (_download_way(facts),),
    )


def _truncated(facts: Facts, needed: int, size: int, descriptor: VolumeDescriptor) -> Finding:
    missing = needed - size
    return Finding(
        Cause.TRUNCATED,
        Effect.STOPS_GUEST,
        Certainty.CERTAIN if missing > PADDING else Certainty.POSSIBLE,
        f"The ISO is cut off: {missing:,} bytes are missing",
        f"Its volume descriptor (ECMA-119, 8.4) says {descriptor.blocks:,} blocks of {descriptor.block_size:,} bytes, "
        f"which is {needed:,} bytes; the file has {size:,}. The download or the copy was cut off, or still runs. "
        "libvirt lists it all the same, with the format iso; a guest fails when it reads what is not there.",
        (
            (facts.file.line if facts.file else ""),
            f"volume space size {descriptor.blocks} x {descriptor.block_size}",
        ),
        (_download_way(facts),),
    )
