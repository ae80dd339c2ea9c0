"""Give the lab the versions that were measured with the project, so that a new portal already answers."""

from labtools.labhost.document import parse_document
from labtools.labhost.references import Reference, references
from labtools.models import LabHost
from labtools.services.snapshots import record_document

#: Among the columns the references come first, oldest first.
_FIRST_POSITION = 10


def ensure_references() -> list[str]:
    """Make the hosts of the references and record their documents; returns the titles of those that were new.

    One query where nothing is: the project knows the hash of each document without reading it. A document that was
    measured again becomes the host's present and an entry of its feed. A host of staff that took the name stays.
    """
    present = {host.slug: host for host in LabHost.objects.select_related("current")}
    new = []
    for position, reference in enumerate(references(), _FIRST_POSITION):
        host = present.get(reference.slug)
        if host is not None and (not host.is_reference or _has(host, reference)):
            continue
        if host is None:
            host = _make_host(reference, position)
        record_document(host=host, document=parse_document(reference.document()), at=reference.measured_at)
        new.append(reference.title)
    return new


def _has(host: LabHost, reference: Reference) -> bool:
    return host.current is not None and host.current.snapshot_id == reference.content_hash


def _make_host(reference: Reference, position: int) -> LabHost:
    host, _ = LabHost.objects.get_or_create(
        slug=reference.slug,
        defaults={
            "name": reference.title,
            "description": "Debian's own build of QEMU, measured with the project under tcg. No machine.",
            "transport": LabHost.Transport.REFERENCE,
            "visibility": LabHost.Visibility.PUBLIC,
            "is_enabled": False,
            "position": position,
        },
    )
    return host
