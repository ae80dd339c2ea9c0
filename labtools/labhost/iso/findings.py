"""What the doctor says: causes with evidence and the commands that mend them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .commands import quoted


class Cause(Enum):
    """A reason why virt-manager does not show an ISO, or why a guest cannot use the one it shows."""

    PATH_MISSING = "path-missing"
    NOT_A_FILE = "not-a-file"
    OTHER_CONNECTION = "other-connection"
    NOT_IN_ANY_POOL = "not-in-any-pool"
    SUB_DIRECTORY = "sub-directory"
    OTHER_POOL_TYPE = "other-pool-type"
    ENTRY_FAILS_POOL = "entry-fails-pool"
    POOL_INACTIVE = "pool-inactive"
    POOL_STALE = "pool-stale"
    AUTOSTART_OFF = "autostart-off"
    PARENT_NOT_SEARCHABLE = "parent-not-searchable"
    FILE_NOT_READABLE = "file-not-readable"
    SELINUX_LABEL = "selinux-label"
    APPARMOR_NAME = "apparmor-name"
    LOCATION = "location"
    NOT_AN_ISO = "not-an-iso"
    TRUNCATED = "truncated"
    UNFINISHED_NAME = "unfinished-name"


class Effect(Enum):
    """What a cause does."""

    HIDES = "hides the ISO"
    STOPS_GUEST = "the ISO is listed, but a guest cannot use it"
    NOTE = "worth knowing"


class Certainty(Enum):
    """How sure the facts make it."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Step:
    """One command: what it prints when it worked, and the command that takes it back (empty: nothing to undo)."""

    command: str
    prints: str
    undo: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways to mend a cause: its steps in order."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause. ``evidence`` are lines of the host as they are; each way mends it alone, the first is advised."""

    cause: Cause
    effect: Effect
    certainty: Certainty
    title: str
    explanation: str
    evidence: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A check that the facts do not allow, and the command whose output is missing."""

    check: str
    command: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, in the order in which to mend it; what was looked at and is well; what is not known."""

    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    unknown: tuple[Unknown, ...]

    @property
    def hiding(self) -> tuple[Finding, ...]:
        """The findings that keep the ISO out of virt-manager's list."""
        return tuple(finding for finding in self.findings if finding.effect is Effect.HIDES)


@dataclass(slots=True)
class Notes:
    """What the checks have found so far: each adds to these three lists."""

    findings: list[Finding]
    checked: list[str]
    unknown: list[Unknown]


SYSTEM = "sudo virsh -c qemu:///system"


def virsh(command: str, pool: str, *more: str) -> str:
    """Return a virsh command on ``pool`` of the system's libvirt, ready for a shell."""
    return " ".join([SYSTEM, command, "--pool", quoted(pool), *more])


def start_steps(pool: str, *, is_autostart: bool | None) -> tuple[Step, ...]:
    """Start ``pool``, and have libvirt start it after each boot unless it does so already."""
    start, stop = virsh("pool-start", pool), virsh("pool-destroy", pool)
    steps = [
        Step(
            start,
            f"Pool {pool} started",
            stop,
            "Its undo, pool-destroy, only stops the pool; it deletes no file.",
        )
    ]
    if is_autostart is not True:
        steps.append(autostart_step(pool))
    return tuple(steps)


def autostart_step(pool: str) -> Step:
    """Have libvirt start ``pool`` after each boot."""
    return Step(
        virsh("pool-autostart", pool),
        f"Pool {pool} marked as autostarted",
        virsh("pool-autostart", pool, "--disable"),
    )


def refresh_step(pool: str) -> Step:
    """Have libvirt look into the directory of ``pool`` again."""
    return Step(virsh("pool-refresh", pool), f"Pool {pool} refreshed")


def new_pool_way(pool: str, folder: str) -> Way:
    """Make a pool of ``folder``, which exists."""
    define = Step(
        f"{SYSTEM} pool-define-as --name {quoted(pool)} --type dir --target {quoted(folder)}",
        f"Pool {pool} defined",
        virsh("pool-undefine", pool),
        "Its undo, pool-undefine, forgets the pool once it is stopped; it deletes no file.",
    )
    return Way(f"Make a storage pool of {folder}", (define, *start_steps(pool, is_autostart=False)))


def check_step(pool: str, name: str) -> Step:
    """Look whether the volume is there now."""
    command = f"virsh -r -c qemu:///system vol-list --pool {quoted(pool)}"
    return Step(command, f"a table with the line {name}")


def copy_steps(source: str, target: str) -> tuple[Step, ...]:
    """Copy ``source`` where nothing is yet: the undo must never remove a file that was there before."""
    free = Step(
        f"test ! -e {quoted(target)} && echo free",
        "free",
        "",
        "Where it prints nothing, choose another name.",
    )
    copy = Step(f"sudo cp -n -- {quoted(source)} {quoted(target)}", "nothing", f"sudo rm -- {quoted(target)}")
    return free, copy
