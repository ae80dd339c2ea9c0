"""Two leads of a chapter leave at the same moment, in three rounds; prints how many leads each round left.

Run as a program against a database of its own: threads of a test process share one connection on SQLite.
"""

import json
import sys
import threading
import time

import django

django.setup()

from django.db import connection  # noqa: E402  (settings come first)
from django.utils import timezone  # noqa: E402

from events.models import Chapter, ChapterMembership  # noqa: E402
from events.services import roles  # noqa: E402
from portal.accounts.models import User  # noqa: E402


def leave_together(number: int) -> int:
    """One round: two leads, two threads, one barrier; how many lead afterwards."""
    chapter = Chapter.objects.create(slug=f"race-{number}", city=f"Race {number}", status="active")
    rows = []
    for side in "ab":
        user = User.objects.create_user(f"{side}{number}@example.org", "x")
        rows.append(ChapterMembership.objects.create(chapter=chapter, user=user, role="lead"))
    barrier = threading.Barrier(2)

    def leave(row: ChapterMembership) -> None:
        assert row.user
        barrier.wait()
        try:
            roles.end_role(membership=row, actor=row.user, at=timezone.now())
        except roles.RoleRefused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = ChapterMembership.objects.filter(chapter=chapter, role="lead", until=None).count()
    Chapter.objects.filter(pk=chapter.pk).update(status="archived")
    return left


def main() -> None:
    checked = roles._refuse_leaderless

    def slowly(*args: object) -> None:
        """The check, and then long enough until the commit for the other to check too."""
        checked(*args)  # type: ignore[arg-type]
        time.sleep(0.3)

    vars(roles)["_refuse_leaderless"] = slowly
    if "--without-lock" in sys.argv:
        vars(roles)["lock_chapter"] = lambda pk: Chapter.objects.get(pk=pk)
    print(json.dumps([leave_together(number) for number in range(3)]))


if __name__ == "__main__":
    main()
