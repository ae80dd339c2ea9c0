"""Is the ISO in a storage pool, and does libvirt list it? Facts of libvirt measured with 9.0.0: decision 0073."""

from __future__ import annotations

import re

from .commands import quoted
from .facts import EntryTrouble, Facts, KnownPool
from .findings import (
    Cause,
    Certainty,
    Effect,
    Finding,
    Notes,
    Step,
    Unknown,
    Way,
    autostart_step,
    check_step,
    copy_steps,
    new_pool_way,
    refresh_step,
    start_steps,
    virsh,
)

#: Pools that list the files of a directory.
DIRECTORY_TYPES = ("dir", "fs", "netfs", "vstorage")
#: With these answers to open(2), libvirt 9.0 leaves an entry out; with any other, the whole pool fails.
HARMLESS = (
    "No such file or directory",
    "Too many levels of symbolic links",
    "Permission denied",
    "Operation not permitted",
)
DEFAULT_FOLDER = "/var/lib/libvirt/images"


def check_pools(facts: Facts, notes: Notes) -> None:
    """Add what the pools tell."""
    if facts.pools is None:
        why = f" (libvirt said: {facts.libvirt_refusal})" if facts.libvirt_refusal else ""
        what = f"Which storage pools there are and what they list{why}"
        notes.unknown.append(Unknown(what, "virsh -r -c qemu:///system pool-list --all"))
        return
    _check_connection(facts, notes)
    listing = next((pool for pool in facts.pools if _lists(pool, facts)), None)
    if listing is not None:
        known_as = f", with the format {facts.known_format}" if facts.known_format else ""
        notes.checked.append(
            f"libvirt lists the file as a volume of the active pool {listing.name}{known_as}."
        )
        _check_autostart(listing, notes)
        _check_entries(listing, notes)
        return
    holding = [
        pool for pool in facts.pools if pool.type in DIRECTORY_TYPES and _folders(pool) & _parents(facts)
    ]
    for pool in holding:
        _check_holding(pool, facts, notes)
    if not holding:
        _check_outside(facts, notes)


def _folders(pool: KnownPool) -> set[str]:
    return {folder for folder in (pool.folder, pool.real_folder) if folder}


def _parents(facts: Facts) -> set[str]:
    return {path.rpartition("/")[0] or "/" for path in (facts.path, facts.resolved)}


def _names(facts: Facts) -> set[str]:
    return {path.rpartition("/")[2] for path in (facts.path, facts.resolved)}


def _lists(pool: KnownPool, facts: Facts) -> bool:
    wanted = {facts.path, facts.resolved}
    if _folders(pool) & _parents(facts):
        wanted |= {f"{pool.folder}/{name}" for name in _names(facts)}
    return pool.is_active is True and bool(wanted & set(pool.volumes or ()))


def is_there(facts: Facts) -> bool | None:
    """Whether the file exists; None where nobody could look."""
    if facts.path_trouble is not None:
        return None if facts.path_trouble.endswith("Permission denied") else False
    return True if facts.components or facts.file else None


# -------------------------------------------------------------------------------- in a pool's directory
def _check_holding(pool: KnownPool, facts: Facts, notes: Notes) -> None:
    if pool.is_active is None:
        command = f"virsh -r -c qemu:///system pool-info --pool {quoted(pool.name)}"
        notes.unknown.append(Unknown(f"Whether the pool {pool.name} is active", command))
        return
    fails = _check_entries(pool, notes)
    if not pool.is_active:
        notes.findings.append(_inactive(pool, is_failing=fails))
        return
    _check_autostart(pool, notes)
    if pool.volumes is None or not pool.has_all_volumes:
        command = f"virsh -r -c qemu:///system vol-list --pool {quoted(pool.name)}"
        notes.unknown.append(Unknown(f"Which volumes the pool {pool.name} lists", command))
        return
    there = is_there(facts)
    if there is not False and (facts.file is None or facts.file.kind.startswith(("regular", "block"))):
        notes.findings.append(_stale(pool, facts, Certainty.CERTAIN if there else Certainty.LIKELY))


def _inactive(pool: KnownPool, *, is_failing: bool) -> Finding:
    after = (
        "Move the entry named above away first, else the pool does not start."
        if is_failing
        else "If pool-start answers “cannot open volume 'X': …”, the entry X of the directory makes the whole pool "
        "fail: move X away and start the pool again."
    )
    steps = start_steps(pool.name, is_autostart=pool.is_autostart)
    return Finding(
        Cause.POOL_INACTIVE,
        Effect.HIDES,
        Certainty.CERTAIN,
        f"The pool {pool.name} is not active",
        f"The ISO is in the directory of the pool {pool.name}, but the pool is stopped: libvirt lists no volume of it "
        f"and virt-manager shows it greyed out. {after}"
        + (
            ""
            if pool.is_autostart
            else " It does not start by itself after a boot either; the last step mends that."
        ),
        _evidence(pool),
        (Way(f"Start the pool {pool.name}", steps),),
    )


def _stale(pool: KnownPool, facts: Facts, certainty: Certainty) -> Finding:
    name = facts.path.rpartition("/")[2]
    is_seen = certainty is Certainty.CERTAIN
    return Finding(
        Cause.POOL_STALE,
        Effect.HIDES,
        certainty,
        f"The pool {pool.name} has not noticed the file yet"
        if is_seen
        else f"The pool {pool.name} does not list the file",
        ("" if is_seen else "Nobody looked whether the file is there. If it is: ")
        + "libvirt looks into a pool's directory when the pool starts and when it is asked to, not when a file is put "
        "there. In virt-manager the button “Refresh volume list” does the same as this command.",
        (*_evidence(pool), f"Not among its volumes: {pool.folder}/{name}"),
        (Way(f"Refresh the pool {pool.name}", (refresh_step(pool.name), check_step(pool.name, name))),),
    )


def _check_autostart(pool: KnownPool, notes: Notes) -> None:
    if pool.is_autostart is not False:
        return
    notes.findings.append(
        Finding(
            Cause.AUTOSTART_OFF,
            Effect.NOTE,
            Certainty.CERTAIN,
            f"The pool {pool.name} does not start by itself",
            "It is active now. After the next boot it is not, and its volumes are hidden until somebody starts it.",
            _evidence(pool),
            (Way("Start it with each boot", (autostart_step(pool.name),)),),
        )
    )


def _evidence(pool: KnownPool) -> tuple[str, ...]:
    target = f"{pool.name}: <target><path>{pool.folder}</path></target>"
    return (pool.line.strip(), target) if pool.line else (target,)


def _check_entries(pool: KnownPool, notes: Notes) -> bool:
    """Add the entries of the directory that make the pool fail; return whether there is one."""
    failing = [entry for entry in pool.trouble or () if entry.reason not in HARMLESS]
    if not failing:
        return False
    now = (
        "That is why it is not active."
        if pool.is_active is False
        else "It is active now, but the next refresh or start fails, and a refresh that fails also stops the pool."
    )
    notes.findings.append(
        Finding(
            Cause.ENTRY_FAILS_POOL,
            Effect.HIDES if pool.is_active is False else Effect.NOTE,
            Certainty.LIKELY if pool.is_active is False else Certainty.CERTAIN,
            f"One entry makes the whole pool {pool.name} fail",
            "libvirt leaves out links that lead nowhere, files it may not read, FIFOs and sockets. An entry that "
            f"cannot be opened for any other reason makes the pool fail as a whole. {now}",
            tuple(entry.line.strip() for entry in failing[:20]),
            (_away(pool, failing),),
        )
    )
    return True


def _away(pool: KnownPool, failing: list[EntryTrouble]) -> Way:
    steps = []
    above = (pool.real_folder or pool.folder).rpartition("/")[0] or "/"
    for entry in failing[:20]:
        moved = f"{above.rstrip('/')}/{entry.path.rpartition('/')[2]}"
        if entry.reason in ("Transport endpoint is not connected", "Stale file handle") and not entry.is_link:
            steps.append(
                Step(
                    f"sudo umount -- {quoted(entry.path)}",
                    "nothing",
                    "",
                    "Mount it again where it came from.",
                )
            )
        else:
            command = f"sudo mv -n -- {quoted(entry.path)} {quoted(moved)}"
            steps.append(Step(command, "nothing", f"sudo mv -n -- {quoted(moved)} {quoted(entry.path)}"))
    return Way("Move the entry out of the pool's directory", tuple(steps))


# ------------------------------------------------------------------------- in no pool's directory
def _check_outside(facts: Facts, notes: Notes) -> None:
    pools = facts.pools or ()
    above = [
        pool
        for pool in pools
        if pool.type in DIRECTORY_TYPES
        and any(
            f"{parent}/".startswith(f"{f.rstrip('/')}/") for f in _folders(pool) for parent in _parents(facts)
        )
    ]
    if above:
        closest = max(above, key=lambda pool: len(pool.folder))
        _check_entries(closest, notes)
        notes.findings.append(_sub_directory(closest, facts))
        return
    for pool in pools:
        if pool.type not in DIRECTORY_TYPES and _folders(pool) & _parents(facts):
            notes.findings.append(_other_type(pool))
    notes.findings.append(_in_no_pool(facts))


def _sub_directory(pool: KnownPool, facts: Facts) -> Finding:
    folder, _, name = facts.resolved.rpartition("/")
    base = pool.real_folder or pool.folder
    move = Step(
        f"sudo mv -n -- {quoted(facts.resolved)} {quoted(f'{base}/{name}')}",
        "nothing",
        f"sudo mv -n -- {quoted(f'{base}/{name}')} {quoted(facts.resolved)}",
        "-n overwrites nothing. A guest that uses the old path has to be changed.",
    )
    ready = (
        (refresh_step(pool.name),)
        if pool.is_active
        else start_steps(pool.name, is_autostart=pool.is_autostart)
    )
    stopped = "" if pool.is_active is not False else f" The pool {pool.name} is not active either."
    return Finding(
        Cause.SUB_DIRECTORY,
        Effect.HIDES,
        Certainty.CERTAIN,
        f"The file is in a sub-directory of the pool {pool.name}",
        f"A pool of type {pool.type} lists what is directly in {pool.folder}; it does not look into sub-directories. "
        f"libvirt lists the sub-directory itself, as a volume of type dir.{stopped}",
        _evidence(pool),
        (new_pool_way(pool_name(facts), folder), Way(f"Move the file up into {base}", (move, *ready))),
    )


def _other_type(pool: KnownPool) -> Finding:
    return Finding(
        Cause.OTHER_POOL_TYPE,
        Effect.HIDES,
        Certainty.CERTAIN,
        f"The pool {pool.name} of this directory does not list files",
        f"A pool of type {pool.type} lists what that technology manages (logical volumes, partitions, LUNs), not the "
        "files in its target directory. An ISO file needs a pool of type dir, fs or netfs.",
        _evidence(pool),
    )


def _in_no_pool(facts: Facts) -> Finding:
    folder = facts.resolved.rpartition("/")[0] or "/"
    own = new_pool_way(pool_name(facts), folder)
    copy = _copy_way(facts)
    ways = (copy, own) if is_unfit(folder) else (own, copy)
    lines = tuple(
        f"{pool.name}: <target><path>{pool.folder}</path></target>" for pool in (facts.pools or ())[:20]
    )
    return Finding(
        Cause.NOT_IN_ANY_POOL,
        Effect.HIDES,
        Certainty.CERTAIN,
        f"No storage pool has the directory {folder}",
        "virt-manager's list shows the volumes of libvirt's storage pools, and no pool of qemu:///system has this "
        "directory. (Without a pool: the button “Browse Local” opens any file of the machine on which "
        "virt-manager itself runs.)",
        lines or ("libvirt lists no storage pool",),
        ways,
    )


def is_unfit(folder: str) -> bool:
    """Whether ``folder`` is a poor place for a pool: a home, a place that is emptied or that comes and goes."""
    return folder in ("/", "/tmp", "/var/tmp") or folder.startswith(  # noqa: S108 - names, no files are made
        ("/home/", "/root", "/tmp/", "/var/tmp/", "/media/", "/run/", "/dev/shm")  # noqa: S108
    )


def pool_name(facts: Facts) -> str:
    """A name for a new pool, after the directory, that no pool has yet."""
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", facts.resolved.rpartition("/")[0].rpartition("/")[2]).strip("-.")
    taken = {pool.name for pool in facts.pools or ()}
    base = word[:40] or "isos"
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, 1000))) if name not in taken)


def _copy_way(facts: Facts) -> Way:
    name = facts.resolved.rpartition("/")[2]
    active = [pool for pool in facts.pools or () if pool.is_active and pool.type == "dir"]
    active = [pool for pool in active if not is_unfit(pool.folder)] or active
    best = next((pool for pool in active if pool.name == "default"), active[0] if active else None)
    folder = best.folder if best else DEFAULT_FOLDER
    target = f"{folder}/{name}"
    copy = copy_steps(facts.resolved, target)
    if best:
        return Way(f"Copy the file into the pool {best.name}", (*copy, refresh_step(best.name)))
    taken = {pool.name for pool in facts.pools or ()}
    new = next(word for word in ("default", "images", "isos") if word not in taken or word == "isos")
    way = new_pool_way(new, folder)
    build = Step(virsh("pool-build", new), f"Pool {new} built", "", "Makes the directory if it is not there.")
    steps = (way.steps[0], build, *copy, *way.steps[1:])
    return Way(f"Make the pool {new} in libvirt's own place and copy the file there", steps)


# ------------------------------------------------------------------------------------------ connections
def _check_connection(facts: Facts, notes: Notes) -> None:
    mine = [pool for pool in facts.session_pools or () if _folders(pool) & _parents(facts)]
    theirs = [pool for pool in facts.pools or () if _folders(pool) & _parents(facts)]
    if mine and not theirs:
        notes.findings.append(_in_session(mine[0]))
    uris = facts.connections or ()
    if theirs and uris and not any("/system" in uri for uri in uris):
        notes.findings.append(_only_session(theirs[0], uris))


def _in_session(pool: KnownPool) -> Finding:
    state = "" if pool.is_active else " That pool is not active there either."
    return Finding(
        Cause.OTHER_CONNECTION,
        Effect.HIDES,
        Certainty.CERTAIN,
        f"The pool {pool.name} with this directory belongs to your own session",
        "qemu:///session (“QEMU/KVM user session”) and qemu:///system (“QEMU/KVM”) are two libvirts "
        f"with pools of their own; a window on the one does not show the other's.{state} Either work in the session, "
        "or give the directory a pool of the system too, as below.",
        (f"{pool.name}: <target><path>{pool.folder}</path></target>",),
        (
            Way(
                "Open the session in virt-manager",
                (Step("virt-manager -c qemu:///session", "opens its window"),),
            ),
        ),
    )


def _only_session(pool: KnownPool, uris: tuple[str, ...]) -> Finding:
    return Finding(
        Cause.OTHER_CONNECTION,
        Effect.HIDES,
        Certainty.LIKELY,
        "virt-manager does not know the connection that has the pool",
        f"The pool {pool.name} belongs to qemu:///system, and virt-manager has only: {', '.join(uris)}. In its menu, "
        "File > Add Connection > QEMU/KVM adds it; this command opens it once.",
        (*_evidence(pool), f"virt-manager's connections: {', '.join(uris)}"),
        (Way("Open qemu:///system", (Step("virt-manager -c qemu:///system", "opens its window"),)),),
    )
