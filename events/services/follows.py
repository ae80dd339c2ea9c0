"""Following a chapter: as a member with one click, or by an e-mail address that its owner confirms."""

import datetime as dt

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef

from events.models import Chapter, ChapterFollow, Person
from events.queries.care import is_blocked
from events.queries.people import addresses_of, member_with
from events.services import mails
from portal.accounts.models import User

Notify = ChapterFollow.Notify
#: A second request within this time is the impatience of one person, and sends no second mail.
_ASK_AGAIN_AFTER = dt.timedelta(minutes=10)


class FollowRefused(Exception):
    """Somebody may not follow; the message is a sentence for them."""


@transaction.atomic
def follow_chapter(
    *, chapter: Chapter, user: User, notify: str = Notify.EACH, at: dt.datetime
) -> ChapterFollow:
    """Let a member follow; who follows already only changes ``notify``. Raises :class:`FollowRefused`."""
    if is_blocked(Person.of(user), chapter):
        raise FollowRefused(f"The organizers in {chapter.city} have blocked you from their chapter.")
    if chapter.status == Chapter.Status.ARCHIVED:
        raise FollowRefused(f"The {chapter.city} chapter is archived: there will be no news.")
    adopt_follows(user=user)
    follow, _ = ChapterFollow.objects.update_or_create(
        chapter=chapter,
        user=user,
        defaults={"notify": notify},
        create_defaults={"notify": notify, "confirmed_at": at},
    )
    return follow


@transaction.atomic
def ask_to_follow(*, chapter: Chapter, email: str, at: dt.datetime) -> None:
    """Somebody without an account wants to follow: a mail with a link goes to ``email``.

    Says nothing about what is known of the address: whether it follows already, belongs to a member, or is blocked
    looks the same from outside.
    """
    person = Person(email=email.strip().lower())
    if chapter.status == Chapter.Status.ARCHIVED or is_blocked(person, chapter):
        return
    member = member_with(person.email)
    if member and ChapterFollow.objects.filter(chapter=chapter, user=member).exists():
        return
    follow, is_new = ChapterFollow.objects.get_or_create(
        chapter=chapter, user=None, email=person.email, defaults={"created_at": at}
    )
    if follow.confirmed_at:
        return
    if not is_new:
        if at - follow.created_at < _ASK_AGAIN_AFTER:
            return
        ChapterFollow.objects.filter(pk=follow.pk).update(
            created_at=at
        )  # it is kept as long as its newest link
        follow.created_at = at
    mails.tell_confirm_follow(follow)


@transaction.atomic
def confirm_follow(*, follow: ChapterFollow, at: dt.datetime) -> ChapterFollow:
    """The owner of the address has clicked. An address that a member has verified makes it the member's follow."""
    ChapterFollow.objects.filter(pk=follow.pk, confirmed_at=None).update(confirmed_at=at)
    if member := member_with(follow.email):
        adopt_follows(user=member)
        kept = ChapterFollow.objects.filter(chapter=follow.chapter_id, user=member)
    else:
        kept = ChapterFollow.objects.filter(pk=follow.pk)
    return kept.select_related("chapter", "user").get()


def set_notify(*, follow: ChapterFollow, notify: str) -> None:
    """How much mail somebody wants of the chapter. ``ValueError`` for what is no choice."""
    ChapterFollow.objects.filter(pk=follow.pk).update(notify=Notify(notify))


def unfollow_chapter(*, chapter: Chapter, person: Person) -> bool:
    """Stop following, also with addresses used before there was an account. False if nobody did."""
    rows = ChapterFollow.objects.filter(chapter=chapter)
    if person.user:
        gone, _ = rows.filter(user=person.user).delete()
        also, _ = rows.filter(user=None, email__in=addresses_of(person.user)).delete()
        return gone + also > 0
    gone, _ = rows.filter(person.key).delete()
    return gone > 0


@transaction.atomic
def adopt_follows(*, user: User) -> int:
    """Make the member's own what was followed with one of their verified addresses; returns how many rows it were.

    Only what was confirmed: anybody can type a member's address. Where the member follows already, their own
    choice stays.
    """
    rows = ChapterFollow.objects.filter(user=None, email__in=addresses_of(user), confirmed_at__isnull=False)
    held = set(ChapterFollow.objects.filter(user=user).values_list("chapter", flat=True))
    adopted = list(rows.select_for_update().order_by("pk"))
    for row in adopted:
        if row.chapter_id in held:
            row.delete()
            continue
        held.add(row.chapter_id)
        row.user, row.email, row.name = user, "", ""
        row.save(update_fields=["user", "email", "name"])
    return len(adopted)


def adopt_all_follows() -> int:
    """The same for every member who has verified an address since; a beat task calls it. Returns how many members."""
    owned = EmailAddress.objects.filter(verified=True, email__iexact=OuterRef("email"))
    rows = ChapterFollow.objects.filter(Exists(owned), user=None, confirmed_at__isnull=False)
    found = {member_with(email) for email in rows.values_list("email", flat=True)[:500]}
    members = [member for member in found if member]
    for member in members:
        adopt_follows(user=member)
    return len(members)
