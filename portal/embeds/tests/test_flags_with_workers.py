"""A host loses what an article names: the workers redraw its block, flag it and mail its owner, with nobody asking."""

from pathlib import Path

import pytest

from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services

BEFORE = """
from portal.embeds.tests.test_flags import BEFORE, TEXT
from kb.tests.factories import make_article
from labtools.tests.lab_hosts import make_seen_host
from portal.tests.factories import make_user
make_seen_host("pune-1")
text = TEXT + "\\n\\n{{ qemu-device virtio-blk-pci }}\\n"
make_article(text, slug="one", owner=make_user("o@example.org"), at=BEFORE)
"""
ANSWER = """
from unittest.mock import patch
from portal.embeds.tests.test_flags import upgraded
from labtools.models import LabHost
from labtools.services import probing
from labtools.tests.lab_hosts import make_document
LabHost.objects.update(probe_state="queued")
with (
    patch.object(probing.asking, "answer_of", lambda host: b""),
    patch.object(probing, "read_document", lambda answer: make_document(upgraded())),
):
    probing.run_probe(LabHost.objects.get().pk)
"""


def test_an_upgraded_host_flags_an_article_by_itself(tmp_path: Path) -> None:
    with Stack(tmp_path, run=("redis", "web", "mail")) as stack:
        stack.python(BEFORE)
        assert "gone on pune-1" not in stack.get("/kb/one/")[1]
        stack.python(ANSWER)

        def page() -> str:
            return stack.get("/kb/one/")[1]

        gone = "The option scsi of virtio-blk-pci is gone on pune-1: QEMU 7.2.22 to 10.0.13."
        wait_for(lambda: gone in page(), 60, why=stack.logs)
        wait_for(lambda: "10.0.13" in page().split("</header>")[-1], 20, why=stack.logs)
        mails = "SELECT to_email, state FROM mail_outboxmessage WHERE kind = 'kb_out_of_date'"
        wait_for(
            lambda: stack.sql(mails) == [("o@example.org", "sent")],
            60,
            why=lambda: f"{stack.sql(mails)}\n{stack.logs()}",
        )
