"""Who has a role in a chapter, and who could have one."""

import datetime as dt

from django.db.models import Case, IntegerField, When
from django.utils import timezone

from events.models import Chapter, ChapterFollow, ChapterMembership
from portal.accounts.models import User

Role = ChapterMembership.Role
_ORDER = (Role.LEAD, Role.ORGANIZER, Role.CHECK_IN, Role.VOLUNTEER, Role.MEMBER)


def people_of(chapter: Chapter, *, at: dt.datetime) -> list[ChapterMembership]:
    """Everybody with a role at ``at``, leads first."""
    rank = Case(
        *(When(role=role, then=place) for place, role in enumerate(_ORDER)), output_field=IntegerField()
    )
    held = ChapterMembership.objects.filter(chapter=chapter).current(timezone.localdate(at))
    return list(held.select_related("user", "lead_offered_by").order_by(rank, "pk"))


def followers_named(chapter: Chapter, wanted: str, *, limit: int = 10) -> list[User]:
    """Members who follow the chapter and whose display name holds ``wanted``."""
    rows = ChapterFollow.objects.filter(chapter=chapter, user__isnull=False).values("user")
    found = User.objects.filter(pk__in=rows, is_active=True, display_name__icontains=wanted)
    return list(found.order_by("display_name", "pk")[:limit])


def follower(chapter: Chapter, pk: int) -> User | None:
    """The member ``pk`` if they follow the chapter: nobody else can be given a role out of the blue."""
    rows = ChapterFollow.objects.filter(chapter=chapter, user=pk)
    return User.objects.filter(pk=pk, is_active=True).first() if pk and rows.exists() else None
