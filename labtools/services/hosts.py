"""Hosts of the lab: added, changed, disabled and removed by staff, and by nobody else."""

import hashlib
import json
from datetime import datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.text import Truncator

from labtools.models import LabHost, Snapshot
from labtools.services import lab_keys
from labtools.services.snapshots import forget_inventory, refresh_device_rows
from portal import dispatch
from portal.accounts.models import User
from portal.embeds import changes

#: What staff decide about a host; all other fields are the workers'.
FIELDS = (
    "name",
    "slug",
    "description",
    "visibility",
    "is_enabled",
    "position",
    "transport",
    "ssh_host",
    "ssh_port",
    "ssh_user",
    "ssh_key_name",
    "ssh_host_key",
)
#: The code of the error that tells of somebody else's change.
CHANGED_MEANWHILE = "changed_meanwhile"
#: How staff can let a host be reached; references come with the project.
TRANSPORTS = (LabHost.Transport.SSH, LabHost.Transport.LOCAL, LabHost.Transport.DEMONSTRATION)


def require_staff(person: object) -> None:
    """Raise ``PermissionDenied`` for whoever may not act on hosts."""
    if not (isinstance(person, User) and person.is_active and person.is_staff):
        raise PermissionDenied


@transaction.atomic
def add_host(*, person: object, host: LabHost, at: datetime) -> LabHost:
    """Keep a new host, to be asked soon. ``ValidationError`` if a field is not what it has to be."""
    require_staff(person)
    _check(host)
    host.next_probe_at = at
    host.save(force_insert=True)
    return host


def fingerprint(host: LabHost) -> str:
    """A short hash of all that staff decide about ``host``: another one says that somebody changed it."""
    decided = [str(getattr(host, name)) for name in FIELDS]
    return hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:32]


def _refuse_to_overwrite(stored: LabHost, wanted: LabHost, seen: str) -> None:
    """Raise ``ValidationError`` where somebody changed ``stored`` since :func:`fingerprint` gave ``seen``.

    It says what is stored; twice the same form is no conflict.
    """
    if not seen or seen == fingerprint(stored):
        return
    differing = [name for name in FIELDS if getattr(stored, name) != getattr(wanted, name)]
    if differing:
        values = [f"{name.replace('_', ' ')}: {_words(getattr(stored, name))}" for name in differing]
        raise ValidationError(
            "Somebody else changed this host while you edited it. Stored is now, other than below: "
            f"{', '.join(values)}. Save again to replace that by what is below.",
            code=CHANGED_MEANWHILE,
        )


def _words(value: object) -> str:
    """A stored value in an error: it may be long, empty, or yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"“{Truncator(str(value)).chars(100)}”" if value != "" else "nothing"


@transaction.atomic
def change_host(*, person: object, host: LabHost, at: datetime, seen: str = "") -> LabHost:
    """Keep what staff decided about ``host``; the state of probing is left to the workers.

    ``seen`` is the :func:`fingerprint` of what they saw before they decided: with it, ``ValidationError`` of the code
    :data:`CHANGED_MEANWHILE` where somebody else changed the host since. ``LabHost.DoesNotExist`` if it is deleted.
    Reached in another way, it starts with a clean sheet and is asked soon: its old failures and its inventory say
    nothing any more.
    """
    require_staff(person)
    before = LabHost.objects.select_for_update(of=("self",)).get(pk=host.pk)
    if before.is_reference:
        raise PermissionDenied
    _check(host)
    _refuse_to_overwrite(before, host, seen)
    host.save(update_fields=FIELDS)
    if host.reach != before.reach:
        LabHost.objects.filter(pk=host.pk).update(
            failures=0, last_failure="", last_failure_words="", last_failure_mend="", shortcomings=[]
        )
        forget_inventory(host)
    if host.visibility != before.visibility:
        _bring_search_in_step()
    if host.reach != before.reach or (host.is_enabled and not before.is_enabled):
        LabHost.objects.filter(pk=host.pk, probe_state=LabHost.ProbeState.IDLE).update(next_probe_at=at)
    return host


def set_enabled(*, person: object, host: LabHost, is_enabled: bool, at: datetime) -> None:
    """Whether the workers ask it; what is known of it stays. One that is enabled again is asked soon."""
    require_staff(person)
    if host.is_reference:
        raise PermissionDenied
    changed = LabHost.objects.filter(pk=host.pk, is_enabled=not is_enabled)
    if changed.update(is_enabled=is_enabled) and is_enabled:
        LabHost.objects.filter(pk=host.pk, probe_state=LabHost.ProbeState.IDLE).update(next_probe_at=at)


@transaction.atomic
def remove_host(*, person: object, host: LabHost) -> None:
    """Forget a host: its feed, its inventory, and the snapshots that no other host had.

    The answer of a probe that is on its way is dropped.
    """
    require_staff(person)
    if host.is_reference:
        raise PermissionDenied
    if LabHost.objects.select_for_update(of=("self",)).filter(pk=host.pk).first() is None:
        return
    snapshots = list(host.sightings.order_by("snapshot").values_list("snapshot", flat=True).distinct())
    forget_inventory(host)
    host.delete()
    Snapshot.objects.filter(pk__in=snapshots, sightings__isnull=True).delete()
    refresh_device_rows()
    _bring_search_in_step()


def _bring_search_in_step() -> None:
    """Let search and articles forget at once what nobody may see any more; beat would do so some minutes later."""
    dispatch.send_on_commit("portal.search.tasks.reconcile")
    changes.announce()


def _check(host: LabHost) -> None:
    """All that a form checks, once more: forms are not the only ones who call."""
    host.full_clean()
    if host.transport not in TRANSPORTS:
        raise ValidationError({"transport": "Choose one of the ways that a host is reached."})
    if host.transport == LabHost.Transport.SSH and host.ssh_key_name not in lab_keys.key_names():
        raise ValidationError({"ssh_key_name": "Choose one of the workers' keys."})


def ensure_first_hosts() -> list[str]:
    """Give a new portal this machine and libvirt's test driver; returns the names of what it made.

    Only while the lab has no host at all, so that one which staff removed stays away. This machine is public in the
    embedded default, where its reader is its owner; in production it is staff's, because what runs on a server is
    nobody's business until somebody decides so.
    """
    if LabHost.objects.exclude(transport=LabHost.Transport.REFERENCE).exists():
        return []
    Visibility, Transport = LabHost.Visibility, LabHost.Transport
    first = (
        LabHost(
            slug="this-machine",
            name="This machine",
            description="The machine on which the portal's lab worker runs.",
            transport=Transport.LOCAL,
            visibility=Visibility.PUBLIC if settings.EMBEDDED else Visibility.PRIVATE,
            position=50,
        ),
        LabHost(
            slug="demonstration",
            name="Demonstration",
            description="libvirt's test driver: host bus adapters, pools and networks that libvirt invented.",
            transport=Transport.DEMONSTRATION,
            visibility=Visibility.PUBLIC,
            position=60,
        ),
    )
    LabHost.objects.bulk_create(first, ignore_conflicts=True)
    return [host.name for host in first]
