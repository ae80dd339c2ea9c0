"""Can QEMU's user reach and read the file, and does a security driver stand in the way?"""

from __future__ import annotations

import re

from .commands import quoted
from .facts import Component, Facts, Mount, QemuUser
from .findings import Cause, Certainty, Effect, Finding, Notes, Step, Unknown, Way, copy_steps
from .path_walk import Access, access
from .pool_checks import is_there

#: File systems on which root cannot give a file to another user or which keep no access control lists.
NO_OWNERS = ("vfat", "exfat", "msdos", "ntfs", "ntfs3", "iso9660", "udf", "squashfs", "cifs", "smb3", "9p")
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs")
#: SELinux types that the policy lets a guest's QEMU read (svirt_t), or that libvirt gives a disc itself.
READABLE_TYPES = (
    "virt_image_t",
    "virt_content_t",
    "svirt_image_t",
    "svirt_home_t",
    "virt_home_t",
    "removable_t",
)
#: What a boolean of the SELinux policy opens: the type of a file there, and the boolean.
BOOLEANS = {"nfs_t": "virt_use_nfs", "cifs_t": "virt_use_samba", "fusefs_t": "virt_use_fusefs"}
#: Where virt-aa-helper may read any file, and the names it may read elsewhere (libvirt's AppArmor profile).
_APPARMOR_FOLDERS = ("/home/", "/root/", "/var/lib/libvirt/images/", "/media/", "/mnt/", "/opt/", "/srv/")
_APPARMOR_NAMES = re.compile(r"\.(img|raw|qcow2?|qed|vmdk|vhd|iso)$|/disk(\.[^/]*)?$", re.IGNORECASE)


def check_access(facts: Facts, notes: Notes) -> None:
    """Add what permissions, the file system and the security drivers tell."""
    if is_there(facts) is False:
        return
    check_location(facts, notes)
    if facts.components is None:
        notes.unknown.append(Unknown("Each directory's permissions", f"namei -l -- {quoted(facts.path)}"))
    if facts.qemu_user is None:
        notes.unknown.append(
            Unknown("As which user QEMU runs", "virsh -r -c qemu:///system capabilities; id QEMU-USER")
        )
    if facts.acls is None and facts.components is not None:
        command = f"getfacl -p -- {quoted(facts.path.rpartition('/')[0] or '/')}"
        notes.unknown.append(
            Unknown("Access control lists (package acl), which may grant more or less", command)
        )
    if facts.components is not None and facts.qemu_user is not None and facts.path_trouble is None:
        _check_parents(facts, facts.components, facts.qemu_user, notes)
        _check_file(facts, facts.components[-1], facts.qemu_user, notes)
    _check_selinux(facts, notes)
    _check_apparmor(facts, notes)


def has_no_owners(mount: Mount | None) -> bool:
    """Whether neither chown nor setfacl helps on that file system."""
    return mount is not None and (mount.type in NO_OWNERS or mount.type.startswith("fuse"))


# ------------------------------------------------------------------------------------------ permissions
def _check_parents(facts: Facts, steps: tuple[Component, ...], user: QemuUser, notes: Notes) -> None:
    closed = {step.path: (step, access(facts, step, user, "x")) for step in steps if step.is_directory}
    failing = [(step, answer) for step, answer in closed.values() if answer is not Access.YES]
    if not failing:
        notes.checked.append(f"{user.name}, as whom QEMU runs, may search each directory of the path.")
        return
    is_certain = any(answer is Access.NO for _, answer in failing)
    folders = " and ".join(step.path for step, _ in failing)
    lines = [step.line for step, _ in failing]
    lines += [acl.line for step, _ in failing if (acl := facts.acl_of(step.path))]
    notes.findings.append(
        Finding(
            Cause.PARENT_NOT_SEARCHABLE,
            Effect.STOPS_GUEST,
            Certainty.CERTAIN if is_certain else Certainty.POSSIBLE,
            f"{user.name} may not search {folders}",
            f"QEMU runs as {user.name} and needs the search permission (x) on every directory above the file. libvirt "
            "runs as root and lists the file all the same; the guest then fails with “Could not open …: Permission "
            "denied”. libvirt never changes the permissions of directories. virt-manager asks about it with “The "
            "emulator may not have search permissions”.",
            (*lines, user.line),
            (_search_way(facts, [step for step, _ in failing], user),),
        )
    )


def _search_way(facts: Facts, steps: list[Component], user: QemuUser) -> Way:
    if has_no_owners(facts.mount):
        return _elsewhere_way(facts)
    check = Step(f"sudo -u {quoted(user.name)} stat -c %n -- {quoted(facts.path)}", facts.path)
    commands = tuple(_grant(facts, step, user, "x") for step in steps)
    return Way(f"Let {user.name} pass through, and nobody else", (*commands, check))


def _grant(facts: Facts, step: Component, user: QemuUser, letter: str) -> Step:
    """``setfacl -m`` also makes the mask wide enough, so the undo has to put back mask and entry."""
    path = quoted(step.path)
    acl = facts.acl_of(step.path)
    no = "-"
    old = next((letters or "-" for name, letters in acl.users if user.is_named(name)), None) if acl else None
    if acl is None or acl.mask is None:
        undo = f"sudo setfacl -x {quoted(f'u:{user.name},m:')} -- {path}"
    elif old is None:
        undo = f"sudo setfacl -n -x {quoted(f'u:{user.name}')} -m m::{acl.mask or no} -- {path}"
    else:
        undo = f"sudo setfacl -m {quoted(f'u:{user.name}:{old},m::{acl.mask or no}')} -- {path}"
    wanted = "".join(sorted({*(old or "").replace("-", ""), letter}, key="rwx".index))
    note = "x lets pass through; it does not let list the directory." if letter == "x" else ""
    return Step(f"sudo setfacl -m {quoted(f'u:{user.name}:{wanted}')} -- {path}", "nothing", undo, note)


def _elsewhere_way(facts: Facts) -> Way:
    target = f"/var/lib/libvirt/images/{facts.path.rpartition('/')[2]}"
    copy = Step(
        f"sudo cp -n -- {quoted(facts.path)} {quoted(target)}", "nothing", f"sudo rm -- {quoted(target)}"
    )
    return Way(
        "This file system keeps no permissions of its own for QEMU: copy the file to libvirt's place", (copy,)
    )


def _check_file(facts: Facts, step: Component, user: QemuUser, notes: Notes) -> None:
    if step.is_directory or step.link_to is not None:
        return
    if access(facts, step, user, "r") is Access.YES:
        notes.checked.append(f"{user.name} may read the file.")
        return
    is_stuck = facts.has_dynamic_ownership is False
    is_doubtful = facts.mount is not None and (has_no_owners(facts.mount) or facts.mount.type in NETWORK)
    is_doubtful |= facts.mount is not None and "ro" in facts.mount.options
    usual = (
        "dynamic_ownership is 0 in /etc/libvirt/qemu.conf, so libvirt leaves the file as it is and the guest fails."
        if is_stuck
        else f"On {facts.mount.type} libvirt may not be able to change the owner, and the guest then fails."
        if is_doubtful and facts.mount
        else f"Usually that is no trouble: when a guest starts, libvirt makes {user.name} the owner of its images "
        "(dynamic_ownership, on unless qemu.conf says 0). It is trouble where that is off."
    )
    way = _elsewhere_way(facts) if has_no_owners(facts.mount) else None
    notes.findings.append(
        Finding(
            Cause.FILE_NOT_READABLE,
            Effect.STOPS_GUEST if is_stuck or is_doubtful else Effect.NOTE,
            Certainty.CERTAIN if is_stuck else Certainty.LIKELY if is_doubtful else Certainty.POSSIBLE,
            f"{user.name} may not read the file itself",
            usual,
            (step.line, user.line),
            (way or Way(f"Let {user.name} read it", (_grant(facts, step, user, "r"),)),),
        )
    )


# -------------------------------------------------------------------------------------------- locations
def check_location(facts: Facts, notes: Notes) -> None:
    """Add what the kind of file system means for a pool there."""
    mount = facts.mount
    path = facts.resolved
    if mount is None:
        notes.unknown.append(Unknown("On which file system the file is", f"findmnt -T {quoted(path)}"))
        return
    if mount.type.startswith("fuse") and not {"allow_other", "allow_root"} & set(mount.options):
        words, effect, certainty = (
            "A FUSE file system without allow_other is open to the user who mounted it alone, not even to root: "
            "libvirt leaves the file out without a word. Copy the file to a local file system.",
            Effect.HIDES,
            Certainty.LIKELY,
        )
    elif mount.type in NETWORK:
        words, effect, certainty = (
            "On a network file system root may count as nobody (root_squash): then libvirt and QEMU read only what "
            "everybody may read. A pool of type netfs mounts it by itself; one of type dir needs it mounted before.",
            Effect.NOTE,
            Certainty.POSSIBLE,
        )
    elif path.startswith(("/media/", "/run/media/")):
        words, effect, certainty = (
            "The medium comes and goes: a pool there fails to start while it is out, and what a desktop mounts under "
            "/media or /run/media is open to one user alone. Copy the file for more than one try.",
            Effect.NOTE,
            Certainty.LIKELY,
        )
    else:
        return
    where = f"The file is on {mount.type}, mounted at {mount.target}"
    notes.findings.append(
        Finding(Cause.LOCATION, effect, certainty, where, words, (mount.line,), (_elsewhere_way(facts),))
    )


# ------------------------------------------------------------------------------------- security drivers
def _check_selinux(facts: Facts, notes: Notes) -> None:
    security = facts.security
    if security.models is None:
        command = "virsh -r -c qemu:///system capabilities"
        notes.unknown.append(Unknown("Which security driver libvirt uses", command))
        return
    if "selinux" not in security.models:
        return
    if security.label is None:
        notes.unknown.append(Unknown("The SELinux label of the file", f"ls -ldZ -- {quoted(facts.path)}"))
        return
    kind = security.label.split(":")[2]
    if kind in READABLE_TYPES:
        notes.checked.append(f"The SELinux type {kind} is one that guests may read.")
        return
    effect = Effect.NOTE if security.selinux_enforces is False else Effect.STOPS_GUEST
    permissive = " SELinux is permissive now: it only logs." if effect is Effect.NOTE else ""
    way = _boolean_way(BOOLEANS[kind]) if kind in BOOLEANS else _label_way(facts)
    notes.findings.append(
        Finding(
            Cause.SELINUX_LABEL,
            effect,
            Certainty.POSSIBLE,
            f"The file has the SELinux type {kind}",
            "A guest may read virt_image_t and virt_content_t. libvirt gives an ISO the type virt_content_t when a "
            "guest with it starts; where it cannot (a network or FUSE file system, relabelling switched off), the "
            f"guest is denied. The label does not hide the file from libvirt's list.{permissive}",
            (security.label_line,),
            (way,),
        )
    )


def _boolean_way(name: str) -> Way:
    steps = (
        Step(f"getsebool {name}", f"{name} --> off, where that is the trouble"),
        Step(f"sudo setsebool -P {name} on", "nothing", f"sudo setsebool -P {name} off"),
    )
    return Way("Let guests use that kind of file system", steps)


def _label_way(facts: Facts) -> Way:
    pattern = quoted(re.sub(r"([][.^$*+?{}()|\\])", r"\\\1", facts.resolved))
    path = quoted(facts.resolved)
    steps = (
        Step(
            f"sudo semanage fcontext -a -t virt_content_t {pattern}",
            "nothing",
            f"sudo semanage fcontext -d {pattern}",
        ),
        Step(
            f"sudo restorecon -v -- {path}",
            f"Relabeled {facts.resolved} from … to …",
            f"sudo restorecon -v -- {path}",
        ),
    )
    return Way("Give it the type of a disc, for good", steps)


def _check_apparmor(facts: Facts, notes: Notes) -> None:
    if "apparmor" not in (facts.security.models or ()):
        return
    path = facts.resolved
    hidden = re.match(r"(?:/home/[^/]+|/root)/\.", path)
    if not hidden and (path.startswith(_APPARMOR_FOLDERS) or _APPARMOR_NAMES.search(path)):
        notes.checked.append("AppArmor: libvirt's helper may read a file of this name in this place.")
        return
    folder, _, name = path.rpartition("/")
    target = f"/var/lib/libvirt/images/{name}" if hidden else f"{folder}/{name}.iso"
    undo = f"sudo mv -n -- {quoted(target)} {quoted(path)}"
    rename = (Step(f"sudo mv -n -- {quoted(path)} {quoted(target)}", "nothing", undo),)
    steps = copy_steps(path, target) if hidden else rename
    notes.findings.append(
        Finding(
            Cause.APPARMOR_NAME,
            Effect.STOPS_GUEST,
            Certainty.POSSIBLE,
            "AppArmor may keep libvirt's helper from this file",
            "virt-aa-helper, which writes the AppArmor profile of each guest, may read any file under the home "
            "directories (but nothing hidden there), /media, /mnt, /opt, /srv and /var/lib/libvirt/images, and "
            "elsewhere only names that end in .iso, .img, .raw, .qcow2 and the like. This is from libvirt's profile as "
            "packaged; /etc/apparmor.d/local/ may change it.",
            (path,),
            (Way("Use a place and a name that the profile knows", steps),),
        )
    )
