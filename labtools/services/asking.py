"""How a host of each transport is asked. Runs in the ``labs`` worker only."""

import sys
from pathlib import Path

from django.conf import settings

from labtools.labhost import labprobe
from labtools.labhost.inventory import InventoryError
from labtools.labhost.inventory import answer_of as answer_of_program
from labtools.models import LabHost


class ProbeFailure(Exception):
    """A host gave no document: a code for programs, what failed, and how to mend it."""

    def __init__(self, code: str, words: str, mend: str) -> None:
        super().__init__(words)
        self.code, self.words, self.mend = code, words, mend


def answer_of(host: LabHost) -> bytes:
    """Return the document that ``host`` gives, unread; ``ProbeFailure`` if it gives none."""
    if host.transport != LabHost.Transport.LOCAL:
        raise ProbeFailure("transport", "This way of asking a host is not here yet.", "Ask this machine.")
    argv = [sys.executable, "-I", str(Path(labprobe.__file__))]
    try:
        return answer_of_program(argv, settings.LAB_PROBE_SECONDS)
    except InventoryError:
        raise ProbeFailure(
            "timeout", "labprobe did not end in time.", "Run labprobe on this machine by hand."
        ) from None
