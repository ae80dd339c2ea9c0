"""A checked how-to with a real broker and a real worker: let run, run, and the badge is on the page."""

from pathlib import Path

import pytest

from portal.tests.processes import wait_for
from portal.tests.stack import Stack

pytestmark = pytest.mark.services

APPROVE = '''
from django.contrib.auth.models import Permission
from django.utils import timezone
from kb.models import Check
from kb.services.checks import decide
from kb.tests.factories import make_article
from portal.tests.factories import make_user
FENCE = chr(96) * 3
content = FENCE + """console check
$ qemu-img create -q -f qcow2 disk.qcow2 1G
$ qemu-img check disk.qcow2
No errors were found on the image.
...
""" + FENCE + chr(10)
make_article(content, slug="checked")
user = make_user("lab@example.org")
user.user_permissions.add(Permission.objects.get(codename="approve_check"))
decide(check=Check.objects.get(), maintainer=user, run=True, at=timezone.now())
'''


def rows(stack: Stack) -> list[tuple[str, str]]:
    return stack.sql("SELECT state, difference FROM kb_checkrun")


def test_an_approved_check_is_run_by_the_workers_of_the_labs_and_readers_see_it(tmp_path: Path) -> None:
    with Stack(tmp_path, run=("redis", "web", "mail", "labs")) as stack:
        stack.python(APPROVE)
        wait_for(lambda: rows(stack) == [("passed", "")], 60, why=lambda: f"{rows(stack)}\n{stack.logs()}")
        wait_for(lambda: "checked on QEMU" in stack.get("/kb/checked/")[1], 20, why=stack.logs)
        assert "1 of 1 check passes on QEMU" in stack.get("/kb/checked/")[1]


def test_a_check_that_no_worker_was_told_of_is_run_later(tmp_path: Path) -> None:
    with Stack(tmp_path, run=()) as stack:
        stack.python(APPROVE)
        assert rows(stack) == [("queued", "")]
        stack.sql("UPDATE kb_checkrun SET queued_at = datetime('now', '-5 minutes')")
        for name in ("redis", "labs", "beat"):
            stack.start(name)
        wait_for(lambda: rows(stack) == [("passed", "")], 90, why=lambda: f"{rows(stack)}\n{stack.logs()}")
