"""Two leads of a chapter leave at the same moment, in three rounds; prints how many leads each round left.

With ``--offers`` two offers for one new city are accepted at the same moment; prints how many chapters and leads.

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

from events.models import Chapter, ChapterMembership, OrganizerApplication  # noqa: E402
from events.services import roles, volunteering  # noqa: E402
from portal.accounts.models import User  # noqa: E402
from portal.mail import services as mail_services  # noqa: E402


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


def accept_together(number: int) -> tuple[int, int]:
    """One round: two offers for a new city, two who decide; how many chapters and leads there are then."""
    city = f"Race City {number}"
    staff = User.objects.create_user(f"s{number}@example.org", "x", is_staff=True)
    offers = [
        volunteering.offer_to_help(
            applicant=User.objects.create_user(f"{side}{number}@example.org", "x"),
            chapter=None,
            city=city,
            role="lead",
            motivation="x",
        )
        for side in "ab"
    ]
    barrier = threading.Barrier(2)

    def accept(offer: OrganizerApplication) -> None:
        barrier.wait()
        try:
            volunteering.decide_application(
                application=offer, actor=staff, status="accepted", reason="", at=timezone.now()
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=(offer,)) for offer in offers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leads = ChapterMembership.objects.filter(chapter__city=city, role="lead")
    return Chapter.objects.filter(city=city).count(), leads.count()


def main() -> None:
    vars(mail_services)["send_on_commit"] = lambda *task: (
        None
    )  # the rows are what counts; there is no broker here
    if "--offers" in sys.argv:
        print(json.dumps([accept_together(number) for number in range(3)]))
        return
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
