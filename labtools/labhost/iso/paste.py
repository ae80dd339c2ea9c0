"""Turn what a person pasted into :class:`.Facts`: tolerant of what terminals and mail do to text, and bounded.

Only lines below a marker of :mod:`.commands` count, so the commands themselves, prompts and a person's own words are
passed over. A part that is missing or that is not in form stays *not known*: it never becomes a verdict.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from labtools.labhost.host_xml import HostXmlError, parse_xml

from .commands import MARKER, check_path
from .descriptor import OFFSET, VolumeDescriptor, read_volume_descriptor
from .facts import EntryTrouble, Facts, FileFacts, KnownPool, Mount, QemuUser, Security, Source
from .path_walk import read_acls, read_components

#: Bytes of a paste, and how much of it is looked at: parts of the output, lines of a part, characters of a line.
MAX_PASTE, MAX_PARTS, MAX_LINES, MAX_LINE = 256 << 10, 600, 5_000, 5_000
#: A list of volumes is cut by the commands at 2,000 lines, its two head lines included.
CUT_VOLUMES = 2_000

#: What terminals put between the letters: CSI and OSC sequences (ECMA-48, 5.4 and 5.6) and single escapes.
_ESCAPES = re.compile(r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)|\x1b.?")
_LINE_ENDS = re.compile(r"\r+\n|\r|\n")
_XML_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")

Part = tuple[str, list[str]]


class PasteRefused(ValueError):
    """The text cannot be read at all; the message says why and what to do, to the person who pasted it."""


def read_paste(text: str, *, path: str = "") -> Facts:
    """Return the facts in ``text``; :class:`PasteRefused` or :class:`.PathRefused` where nothing can be said.

    ``path`` is the one the person typed; where it is empty, it is taken from the output.
    """
    if len(text) > MAX_PASTE or len(text.encode("utf-8", "replace")) > MAX_PASTE:
        raise PasteRefused(
            f"This is more than {MAX_PASTE >> 10} KiB. Please paste only the output of the commands."
        )
    parts = _split(_LINE_ENDS.sub("\n", _ESCAPES.sub("", text)).split("\n"))
    if not parts:
        raise PasteRefused(
            f"No line in this begins with “{MARKER.strip()}”. Please run the commands of step 2 and paste "
            "everything that they print, its first lines too."
        )
    known = dict(reversed(parts))
    asked = check_path(path or _first(known.get("path")) or "")
    printed = _first(known.get("path"))
    if printed and printed != asked:
        raise PasteRefused(
            f"This output is about {printed}, but the path above is {asked}. Please make the commands again for the "
            "right path, or correct the path."
        )
    return _facts(asked, parts, known)


def _split(lines: list[str]) -> list[Part]:
    """Cut into parts at the markers; what stands before a marker (``> `` of a mail) is taken off its lines too."""
    parts: list[Part] = []
    prefix = ""
    for line in lines:
        at = line.find(MARKER)
        if at >= 0 and not line[:at].strip("> \t"):
            if len(parts) == MAX_PARTS:
                break
            prefix = line[:at]
            parts.append((line[at + len(MARKER) :].strip(), []))
        elif parts and len(parts[-1][1]) < MAX_LINES:
            kept = line.removeprefix(prefix) if prefix else line
            if kept.strip():
                parts[-1][1].append(kept.rstrip("\n")[:MAX_LINE])
    return parts


def _facts(path: str, parts: list[Part], known: dict[str, list[str]]) -> Facts:
    real = _first(known.get("real-path"))
    components, trouble = read_components(known.get("namei"), path)
    return Facts(
        path=path,
        source=Source.PASTED,
        real_path=real if real and real.startswith("/") else None,
        libvirt_version=_after(known.get("libvirt"), "Running against daemon:"),
        libvirt_refusal=_refusal(known.get("pools")),
        pools=_pools(parts, known),
        known_format=_known_format(known.get("volume")),
        components=components,
        path_trouble=trouble,
        acls=read_acls(known.get("getfacl")),
        qemu_user=_qemu_user(known.get("qemu-user")),
        has_dynamic_ownership=_dynamic_ownership(known.get("qemu-conf")),
        security=_security(known),
        file=_file(known.get("stat")),
        beginning=_bytes(known.get("begin"), 64),
        descriptor=_descriptor(known),
        mount=_mount(known.get("mount")),
        session_pools=_session_pools(known),
        connections=_connections(known.get("connections")),
        reader=_reader(known.get("id")),
        is_cut="end" not in known,
    )


def _first(lines: list[str] | None) -> str | None:
    return lines[0] if lines else None


def _after(lines: list[str] | None, words: str) -> str | None:
    for line in lines or ():
        if line.strip().startswith(words):
            return line.strip()[len(words) :].strip()
    return None


def _refusal(lines: list[str] | None) -> str | None:
    """The words with which libvirt refused to be asked, or the shell to find virsh."""
    if lines is None or _below(lines, _POOL_HEAD) is not None:
        return None
    said = [line.strip() for line in lines if line.startswith("error:") or "not found" in line]
    return " ".join(said[:3]) or None


# ---------------------------------------------------------------------------------------------- pools
_POOL_HEAD, _VOLUME_HEAD = ["Name", "State", "Autostart"], ["Name", "Path"]


def _below(lines: list[str] | None, head: list[str]) -> list[str] | None:
    """The rows of virsh's table with this head; None where there is none. What virsh says before it is passed over."""
    for number, line in enumerate(lines or ()):
        if line.split() == head:
            return [row for row in (lines or ())[number + 1 :] if row.strip("- ")]
    return None


def _pools(parts: list[Part], known: dict[str, list[str]]) -> tuple[KnownPool, ...] | None:
    rows = _below(known.get("pools"), _POOL_HEAD)
    if rows is None:
        return None
    rows = [row for row in rows if row.split()[-1] in ("yes", "no")]
    found: list[KnownPool] = []
    for number, (name, lines) in enumerate(parts):
        if name == "pool-xml":
            following: dict[str, list[str]] = {}
            for later, later_lines in parts[number + 1 : number + 5]:
                if later == "pool-xml":
                    break
                following.setdefault(later, later_lines)
            pool = _pool(lines, following, rows)
            if pool is None:
                return None
            found.append(pool)
    # A pool in the table whose facts are missing could be the one: better to know none than to say "in no pool".
    return tuple(found) if len(found) == len(rows) else None


def _pool(xml: list[str], following: dict[str, list[str]], rows: list[str]) -> KnownPool | None:
    element = _xml(xml)
    if element is None:
        return None
    name = (element.findtext("name") or "").strip()
    folder = (element.findtext("target/path") or "").strip()
    real = _first(following.get("pool-folder"))
    state = _after(following.get("pool-info"), "State:")
    autostart = _after(following.get("pool-info"), "Autostart:")
    volumes, is_whole = _volumes(following.get("volumes"))
    return KnownPool(
        name=name,
        type=element.get("type", ""),
        folder=folder.rstrip("/") or folder,
        real_folder=real if real and real.startswith("/") else None,
        is_active=None if state is None else state == "running",
        is_autostart=None if autostart is None else autostart == "yes",
        volumes=volumes,
        has_all_volumes=is_whole,
        trouble=_trouble(following.get("entries"), folder),
        line=next((row for row in rows if row.strip().startswith(name + " ")), ""),
    )


def _xml(lines: list[str] | None) -> Element | None:
    text = "\n".join(lines or ())
    start, end = text.find("<pool"), text.rfind("</pool>")
    if start < 0 or end < start:
        return None
    try:
        return parse_xml(text[start : end + len("</pool>")])
    except HostXmlError:
        return None


def _volumes(lines: list[str] | None) -> tuple[tuple[str, ...] | None, bool]:
    """The paths in virsh's table: its second column begins about where the word ``Path`` stands in the head."""
    rows = _below(lines, _VOLUME_HEAD)
    if rows is None or lines is None:
        return None, False
    column = next(line for line in lines if line.split() == _VOLUME_HEAD).index("Path")
    paths = []
    for line in rows:
        # Wide letters move the column; a path begins with a slash, of which a name has none.
        at = line.find("/", max(0, column - 40))
        paths.append(_unescaped(line[at:].rstrip(" ")) if at >= 0 else "")
    return tuple(path for path in paths if path), len(lines) < CUT_VOLUMES - 2


def _unescaped(text: str) -> str:
    """virsh writes bytes that its locale cannot show as ``\\xNN``."""
    if "\\x" not in text:
        return text
    return (
        _XML_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        .encode("latin-1", "replace")
        .decode("utf-8", "replace")
    )


def _trouble(lines: list[str] | None, folder: str) -> tuple[EntryTrouble, ...] | None:
    if lines is None or any(line.startswith("unreadable: ") for line in lines):
        return None
    found = []
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        match = re.fullmatch(r"stat: cannot statx? ['‘]?(.{1,4500}?)['’]?: ([^:]{1,200})", line)
        if match is None or match[1].endswith(("/*", "/.[!.]*")):
            continue
        at = after.find(folder + "/")
        is_link = after.startswith("l") and at > 0
        path = after[at:].split(" -> ")[0] if is_link else match[1]
        found.append(EntryTrouble(path, match[2].strip(), after if is_link else line, is_link))
    return tuple(found)


def _session_pools(known: dict[str, list[str]]) -> tuple[KnownPool, ...] | None:
    lines = known.get("session")
    if lines is None:
        return None
    active = known.get("session-active", [])
    pools = []
    for text in re.findall(r"<pool\b.*?</pool>", "\n".join(lines), re.DOTALL)[:100]:
        element = _xml([text])
        if element is not None:
            name = (element.findtext("name") or "").strip()
            folder = (element.findtext("target/path") or "").strip().rstrip("/")
            is_active = f"{name}.xml" in active
            pools.append(KnownPool(name, element.get("type", ""), folder, None, is_active, None, None, False))
    return tuple(pools)


def _connections(lines: list[str] | None) -> tuple[str, ...] | None:
    line = _first(lines) or ""
    return tuple(re.findall(r"'([^']{1,500})'", line))[:20] or None if line.startswith("[") else None


def _known_format(lines: list[str] | None) -> str | None:
    text = "\n".join(lines or ())
    found = re.search(r"<format type='([\w.-]{1,40})'/>", text)
    return found[1] if "<volume" in text and found else None


# ----------------------------------------------------------------------------------- the file and QEMU
def _file(lines: list[str] | None) -> FileFacts | None:
    for line in lines or ():
        found = re.match(r"type=([a-z ]{1,60}) size=(\d{1,19}) ", line.strip())
        if found:
            return FileFacts(found[1], int(found[2]), line.strip())
    return None


def _bytes(lines: list[str] | None, limit: int) -> bytes | None:
    """The bytes of an ``od -A n -t x1`` dump; None where there is none."""
    if lines is None or any(not re.fullmatch(r"(?:\s*[0-9a-f]{2}){1,16}\s*", line) for line in lines):
        return None
    return bytes.fromhex("".join("".join(lines).split()))[:limit]


def _descriptor(known: dict[str, list[str]]) -> VolumeDescriptor | None:
    """None also where the file could not be read, which ``dd`` says in its place."""
    data, file = _bytes(known.get("descriptor"), 2048), _file(known.get("stat"))
    if data is None or _bytes(known.get("begin"), 64) is None:
        return None
    if not data and (file is None or file.size > OFFSET):
        return None
    return read_volume_descriptor(data)


def _mount(lines: list[str] | None) -> Mount | None:
    line = (_first(lines) or "").strip()
    found = re.fullmatch(r"([\w.-]{1,60})\s+(\S{1,2000})\s+(/.*)", line)
    return Mount(found[1], tuple(found[2].split(",")), found[3], line) if found else None


def _qemu_user(lines: list[str] | None) -> QemuUser | None:
    for line in lines or ():
        found = re.match(r"uid=(\d{1,12})\(([^)]{1,100})\) gid=\d{1,12}.{0,200}? groups=(.{1,2000})", line)
        if found:
            groups = re.findall(r"(\d{1,12})(?:\(([^)]{1,100})\))?", found[3])
            names = tuple(word for pair in groups for word in pair if word)
            return QemuUser(found[2], found[1], names, line)
    return None


def _reader(lines: list[str] | None) -> str | None:
    found = re.match(r"uid=\d{1,12}\(([^)]{1,100})\)", _first(lines) or "")
    return found[1] if found else None


def _dynamic_ownership(lines: list[str] | None) -> bool | None:
    """False or True where qemu.conf says so; libvirt's own default, where it could be read, is True."""
    if lines is None or any("ermission denied" in line or "o such file" in line for line in lines):
        return None
    said = _after([line.replace(" ", "") for line in lines], "dynamic_ownership=")
    return True if said is None else said.startswith("1")


def _security(known: dict[str, list[str]]) -> Security:
    lines = known.get("capabilities")
    models = tuple(re.findall(r"<model>([a-z]{1,40})</model>", "\n".join(lines or ())))
    enforcing = _first(known.get("selinux"))
    label_line = next((line for line in known.get("labels", ()) if line[:1] in ("-", "l")), "")
    label = re.search(r"\b(\w+:object_r:\w+(?::\S+)?)", label_line)
    return Security(
        models=models or None,
        selinux_enforces=enforcing == "1" if enforcing in ("0", "1") else None,
        label=label[1] if label else None,
        label_line=label_line.strip(),
    )
