"""Try a plan on libvirt's test driver: the whole life of the vHBA, in a process that the clock can end."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labtools.labhost import inventory
from labtools.labhost.inventory import InventoryError

from .choice import Choice
from .documents import documents, trial_domain

PROGRAM = Path(inventory.__file__).with_name("trial_client.py")
#: Seconds. The test driver answers in milliseconds; the rest is Python's start on a busy machine.
DEADLINE = 20.0
#: Steps, and characters of one answer, that are kept.
MAX_STEPS, MAX_WORDS = 40, 8_000

#: What each call is, in the words of the commands of the plan, and what to know about the test driver there.
CALLS: dict[str, tuple[str, str]] = {
    "virConnectListAllNodeDevices": ("List the node devices", ""),
    "virNodeDeviceCreateXML": (
        "Create the vHBA (virsh nodedev-create)",
        "libvirt checked vhba.xml against its schema first. The test driver copies its own scsi_host11, so it shows "
        "scsi_host1 as the parent whichever HBA was named.",
    ),
    "virNodeDeviceDestroy": ("Destroy the vHBA (virsh nodedev-destroy)", ""),
    "virStoragePoolDefineXML": (
        "Define the pool (virsh pool-define)",
        "libvirt checked pool.xml against its schema first.",
    ),
    "virStoragePoolSetAutostart": ("Start it at boot (virsh pool-autostart)", ""),
    "virStoragePoolUndefine": (
        "Forget the definition (virsh pool-undefine)",
        "The test driver makes no vHBA for a pool that was defined before, so the next step creates it at once.",
    ),
    "virStoragePoolCreateXML": (
        "Create and start the pool (virsh pool-create)",
        "libvirt makes the vHBA with it.",
    ),
    "virStoragePoolRefresh": ("Look for LUNs (virsh pool-refresh)", ""),
    "virStoragePoolListAllVolumes": (
        "List the LUNs (virsh vol-list)",
        "The test driver has no array, so there are none.",
    ),
    "virStoragePoolDestroy": ("Stop the pool (virsh pool-destroy)", "The vHBA goes with it."),
    "virDomainDefineXMLFlags": (
        "Define a guest with the disk",
        "libvirt checked disk.xml, in a guest, against its schema first. The test driver cannot attach devices.",
    ),
    "virDomainUndefine": ("Forget the guest", ""),
}


@dataclass(frozen=True, slots=True)
class TrialStep:
    """One call of libvirt's API and its answer. ``says`` are libvirt's words or document; empty for a plain yes."""

    call: str
    title: str
    says: str
    worked: bool
    note: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What libvirt's test driver did with a plan."""

    libvirt_version: str
    steps: tuple[TrialStep, ...]

    @property
    def worked(self) -> bool:
        """Whether libvirt did everything."""
        return bool(self.steps) and all(step.worked for step in self.steps)


class TrialError(Exception):
    """The trial did not run; the message is a sentence for the person who asked for it."""


def run_trial(choice: Choice, *, deadline: float = DEADLINE) -> Trial:
    """Make and end what ``choice`` describes on a test driver of its own. Raises :class:`TrialError`."""
    # The very text that the person is shown, so that libvirt judges that and nothing else.
    sent = {document.filename.removesuffix(".xml"): document.xml for document in documents(choice)}
    sent["domain"] = trial_domain(choice)
    try:
        answer = inventory.answer_of([sys.executable, "-I", str(PROGRAM), json.dumps(sent)], deadline)
        return _trial(json.loads(answer))
    except InventoryError as error:
        raise TrialError(str(error)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TrialError("libvirt's test driver ended without an answer.") from None


def trial_json(trial: Trial) -> dict[str, Any]:
    """Return ``trial`` as JSON values, to be stored."""
    return asdict(trial)


def trial_from_json(data: dict[str, Any]) -> Trial:
    """Return the trial that :func:`trial_json` gave."""
    return Trial(data["libvirt_version"], tuple(TrialStep(**step) for step in data["steps"]))


def _trial(raw: dict[str, Any]) -> Trial:
    steps = []
    for item in raw["steps"][:MAX_STEPS]:
        title, note = CALLS[item["call"]]
        steps.append(
            TrialStep(item["call"], title, str(item["says"])[:MAX_WORDS], item["worked"] is True, note)
        )
    number = int(raw["version"])
    version = f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"
    return Trial(version, tuple(steps))
