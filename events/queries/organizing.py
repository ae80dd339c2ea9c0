"""What organizers' pages read."""

from dataclasses import dataclass

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from events.models import Announcement, AuditLog, Chapter, ChapterFollow, CoHost, Meetup, Rsvp


def last_edit(meetup: Meetup) -> AuditLog | None:
    """Who changed ``meetup`` last, and when."""
    acts = AuditLog.objects.filter(meetup=meetup, act="change_meetup").select_related("actor")
    return acts.first()


@dataclass(frozen=True)
class Overview:
    """A meetup at a glance: seats, who waits, what was done last. ``left`` is None without a limit."""

    taken: int
    left: int | None
    waiting: int
    maybe: int
    co_hosts: int
    acts: list[AuditLog]


def overview(meetup: Meetup) -> Overview:
    """What the organizers' first page shows of ``meetup``."""
    holding = Q(status__in=Rsvp.HOLDING)
    counts = meetup.rsvps.aggregate(
        people=Count("pk", filter=holding),
        guests=Coalesce(Sum("guests", filter=holding), 0),
        waiting=Count("pk", filter=Q(status=Rsvp.Status.WAITLISTED)),
        maybe=Count("pk", filter=Q(status=Rsvp.Status.MAYBE)),
    )
    taken = counts["people"] + counts["guests"]
    acts = AuditLog.objects.filter(meetup=meetup).select_related("actor")
    return Overview(
        taken=taken,
        left=None if meetup.capacity is None else max(0, meetup.capacity - taken),
        waiting=counts["waiting"],
        maybe=counts["maybe"],
        co_hosts=meetup.co_hosts.filter(status=CoHost.Status.ACCEPTED).count(),
        acts=list(acts[:10]),
    )


def receivers_of(chapter: Chapter, meetup: Meetup | None, audience: str) -> int:
    """How many people a message to ``audience`` reaches."""
    if audience == Announcement.Audience.FOLLOWERS or meetup is None:
        follows = ChapterFollow.objects.filter(chapter=chapter).exclude(notify=ChapterFollow.Notify.NONE)
        return follows.filter(Q(user__isnull=False) | Q(confirmed_at__isnull=False)).count()
    reached = meetup.rsvps.exclude(status__in=[Rsvp.Status.UNCONFIRMED, Rsvp.Status.DECLINED])
    if audience == Announcement.Audience.GOING:
        reached = reached.filter(status=Rsvp.Status.GOING)
    return reached.count()
