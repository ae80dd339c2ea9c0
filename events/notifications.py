"""How much mail of each chapter a member wants: their part of the notifications page."""

from dataclasses import dataclass

from django.http import QueryDict

from events.models import ChapterFollow
from portal.accounts.models import User


@dataclass(frozen=True)
class FollowChoice:
    """One chapter that the member follows, and what can be chosen for it."""

    field: str
    city: str
    url: str
    notify: str
    choices: list[tuple[str, str]]


def followed_chapters(user: User) -> list[FollowChoice] | None:
    """The chapters that ``user`` follows, by city; None when there are none."""
    follows = ChapterFollow.objects.filter(user=user, confirmed_at__isnull=False).select_related("chapter")
    return [
        FollowChoice(
            field=_field(follow),
            city=follow.chapter.city,
            url=follow.chapter.get_absolute_url(),
            notify=follow.notify,
            choices=ChapterFollow.Notify.choices,
        )
        for follow in follows.order_by("chapter__city", "pk")
    ] or None


def save_followed_chapters(user: User, posted: QueryDict) -> None:
    """Keep the choices in ``posted``; what is not there, or no choice, stays as it is."""
    for follow in ChapterFollow.objects.filter(user=user):
        notify = posted.get(_field(follow), follow.notify)
        if notify != follow.notify and notify in ChapterFollow.Notify.values:
            ChapterFollow.objects.filter(pk=follow.pk).update(notify=notify)


def _field(follow: ChapterFollow) -> str:
    return f"chapter-{follow.chapter_id}"
