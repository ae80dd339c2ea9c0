"""How a host of each transport is asked. Runs in the ``labs`` worker only."""

from pathlib import Path

from django.conf import settings

from labtools.labhost.ssh_fields import FieldError, check_key_name
from labtools.labhost.transport import (
    FailureCode,
    ProbeFailure,
    SshAccess,
    failed,
    probe_demonstration,
    probe_local,
    probe_ssh,
)
from labtools.models import LabHost

__all__ = ["ProbeFailure", "answer_of"]


def answer_of(host: LabHost) -> bytes:
    """Return the document that ``host`` gives, unread; :class:`ProbeFailure` if it gives none."""
    deadline = float(settings.LAB_PROBE_SECONDS)
    if host.transport == LabHost.Transport.LOCAL:
        return probe_local(deadline=deadline)
    if host.transport == LabHost.Transport.DEMONSTRATION:
        return probe_demonstration(deadline=deadline)
    return probe_ssh(_access(host), deadline=deadline, connect_timeout=settings.LAB_CONNECT_SECONDS)


def _access(host: LabHost) -> SshAccess:
    """How ``host`` is reached. The row was checked when it was written; that does not count here."""
    try:
        return SshAccess(
            host=host.ssh_host,
            port=host.ssh_port,
            user=host.ssh_user,
            key_path=Path(settings.LAB_KEYS_DIR).absolute() / check_key_name(host.ssh_key_name),
            host_key=host.ssh_host_key,
        )
    except FieldError as error:
        raise failed(FailureCode.FIELD, str(error)) from None
