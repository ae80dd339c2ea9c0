"""Read ``namei -l`` and ``getfacl -p``, and judge by them what a user may do: acl(5), "access check algorithm"."""

from __future__ import annotations

import re
from collections import deque
from enum import Enum

from .facts import Acl, Component, Facts, QemuUser

#: The kernel follows at most 40 symbolic links (path_resolution(7)), namei 20.
MAX_STEPS = 2_000

_ENTRY = re.compile(r"([-dDlbcps][-rwxsStT]{9})[.+@]? (.{1,5000})")
_TROUBLE = re.compile(r" - (No such file or directory|Permission denied|Not a directory|[A-Z][a-z ]{4,60})$")


def read_components(lines: list[str] | None, path: str) -> tuple[tuple[Component, ...] | None, str | None]:
    """Return the steps of ``path`` and the line of the step that failed, if one did; (None, None) if not in form.

    Names are not cut out of the lines, which may hold blanks: the walk knows which name comes next, since it begins
    with ``path`` and takes the rest of a link in front of it.
    """
    if not lines or not lines[0].startswith("f: ") or lines[0][3:] != path:
        return None, None
    ahead, here = deque(["/", *path.strip("/").split("/")]), ""
    found: list[Component] = []
    for line in lines[1:MAX_STEPS]:
        if not ahead:
            break
        name = ahead.popleft()
        trouble = _TROUBLE.search(line)
        if trouble and line[: trouble.start()].endswith(name):
            return tuple(found), line.strip()
        step = _component(line, here, name)
        if step is None:
            return None, None
        found.append(step)
        if step.link_to is None:
            here = step.path
        elif step.link_to.startswith("/"):
            ahead.extendleft(reversed(["/", *_names(step.link_to)]))
        else:
            ahead.extendleft(reversed(_names(step.link_to)))
    return (tuple(found), None) if found and not ahead else (None, None)


def _names(target: str) -> list[str]:
    return [name for name in target.split("/") if name]


def _component(line: str, here: str, name: str) -> Component | None:
    entry = _ENTRY.fullmatch(line)
    if entry is None:
        return None
    mode, rest, link = entry[1], entry[2], None
    if mode[0] == "l":
        at = rest.find(f" {name} -> ")
        if at < 0:
            return None
        rest, link = rest[: at + 1 + len(name)], rest[at + len(name) + 5 :]
    # Nothing else may stand between the group and the name but the blanks of the depth.
    if not rest.endswith(f" {name}"):
        return None
    owner, _, group = rest[: -len(name)].strip().partition(" ")
    if not group:
        return None
    return Component(_joined(here, name), mode, owner, group.strip(), link, line.strip())


def _joined(here: str, name: str) -> str:
    if name == "/":
        return "/"
    if name == ".":
        return here
    if name == "..":
        return here.rpartition("/")[0] or "/"
    return f"{here.rstrip('/')}/{name}"


def read_acls(lines: list[str] | None) -> tuple[tuple[str, Acl], ...] | None:
    """Return the extended lists, by path; None where the part is missing or getfacl is not installed or failed."""
    if lines is None or any(
        "not found" in line or (line.startswith("getfacl:") and "Removing leading" not in line)
        for line in lines
    ):
        return None
    found: dict[str, Acl] = {}
    path, entries = "", list[str]()
    for line in [*lines, "# file: "]:
        if line.startswith("# file: "):
            if path and entries:
                found[path] = _acl(entries)
            path, entries = _octal(line[8:]), []
        elif line and not line.startswith(("#", "default:")):
            entries.append(line)
    return tuple(found.items())


def _octal(name: str) -> str:
    """getfacl writes blanks, backslashes and control characters of a name as ``\\040``."""
    if "\\" not in name:
        return name
    data = re.sub(
        rb"\\([0-3][0-7]{2})", lambda octal: bytes([int(octal[1], 8)]), name.encode("utf-8", "replace")
    )
    return data.decode("utf-8", "replace")


def _acl(entries: list[str]) -> Acl:
    users, groups, group_class, mask = [], [], "", None
    for entry in entries:
        found = re.match(r"(user|group|mask|other):((?:[^:#]{0,200})):([-rwxX]{3})", entry)
        if found is None:
            continue
        kind, name, letters = found[1], _octal(found[2]), found[3].replace("-", "")
        if kind == "user" and name:
            users.append((name, letters))
        elif kind == "group" and name:
            groups.append((name, letters))
        elif kind == "group":
            group_class = letters
        elif kind == "mask":
            mask = letters
    return Acl(tuple(users), group_class, tuple(groups), mask, "; ".join(entries)[:500])


class Access(Enum):
    """Whether a user has a permission; MAYBE where the access control lists are not known and could change it."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


def access(facts: Facts, step: Component, user: QemuUser, letter: str) -> Access:
    """Judge whether ``user`` has ``letter`` (``r`` or ``x``) on ``step``, as the kernel does (acl(5))."""
    if user.is_root:
        return Access.YES
    acl = facts.acl_of(step.path)
    bits = step.mode.replace("s", "x").replace("t", "x").replace("S", "-").replace("T", "-")
    if user.is_named(step.owner):
        return _answer(letter in bits[1:4])
    if acl is not None:
        return _answer(_by_acl(acl, user, step.group, letter, bits[7:10]))
    if user.is_in(step.group):
        # Without the list, the group's bits of an entry with one are its mask: an upper bound.
        allowed = letter in bits[4:7]
        return _answer(allowed) if facts.acls is not None or not allowed else Access.MAYBE
    allowed = letter in bits[7:10]
    # A list that names the user grants no more than its mask, which the group's bits show then.
    if facts.acls is None and not allowed and letter in bits[4:7]:
        return Access.MAYBE
    return _answer(allowed)


def _answer(allowed: bool) -> Access:
    return Access.YES if allowed else Access.NO


def _by_acl(acl: Acl, user: QemuUser, group: str, letter: str, others: str) -> bool:
    mask = "rwx" if acl.mask is None else acl.mask
    for name, letters in acl.users:
        if user.is_named(name):
            return letter in letters and letter in mask
    fitting = [letters for name, letters in acl.groups if user.is_in(name)]
    if user.is_in(group):
        fitting.append(acl.group_class)
    if fitting:
        return letter in mask and any(letter in letters for letters in fitting)
    return letter in others
