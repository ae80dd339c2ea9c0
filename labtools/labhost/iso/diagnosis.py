"""The doctor: facts in, an ordered diagnosis out."""

from __future__ import annotations

from labtools.labhost.inventory import Inventory

from .access_checks import check_access
from .commands import check_path
from .facts import Facts, KnownPool, Source
from .file_checks import check_file
from .findings import Cause, Diagnosis, Effect, Notes
from .pool_checks import check_pools

#: Causes of one effect in the order in which to mend them: what the next one needs comes first.
_ORDER = tuple(Cause)
_EFFECTS = tuple(Effect)


def diagnose(facts: Facts) -> Diagnosis:
    """Return every cause that ``facts`` show, what is well, and what they do not tell."""
    notes = Notes([], [], [])
    check_file(facts, notes)
    check_pools(facts, notes)
    check_access(facts, notes)
    is_missing = any(finding.cause is Cause.PATH_MISSING for finding in notes.findings)
    found = [
        finding
        for finding in notes.findings
        # A file that is not there is in no pool either, and that is not what is wrong with it.
        if not (is_missing and finding.cause in (Cause.NOT_IN_ANY_POOL, Cause.SUB_DIRECTORY))
    ]
    found.sort(key=lambda finding: (_EFFECTS.index(finding.effect), _ORDER.index(finding.cause)))
    return Diagnosis(tuple(found), tuple(notes.checked), tuple(notes.unknown))


def facts_of_inventory(inventory: Inventory, path: str) -> Facts:
    """Return what the lab's stored inventory of a host tells of ``path``: pools and volumes, nothing of files.

    :class:`.PathRefused` as :func:`.check_path`.
    """
    asked = check_path(path)
    is_asked = "pools" not in dict(inventory.refused)
    volume = next((v for pool in inventory.pools for v in pool.volumes if v.path == asked), None)
    pools = tuple(
        KnownPool(
            name=pool.name,
            type=pool.type,
            folder=pool.target_path.rstrip("/") or pool.target_path,
            real_folder=None,
            is_active=pool.is_active,
            is_autostart=pool.is_autostart,
            volumes=tuple(one.path for one in pool.volumes) if pool.is_active else None,
            line=f"{pool.name}  {'active' if pool.is_active else 'inactive'}  "
            f"autostart {'yes' if pool.is_autostart else 'no'}",
        )
        for pool in inventory.pools
    )
    return Facts(
        path=asked,
        source=Source.INVENTORY,
        libvirt_version=inventory.version,
        libvirt_refusal=dict(inventory.refused).get("pools"),
        pools=pools if is_asked else None,
        known_format=(volume.format or None) if volume else None,
    )
