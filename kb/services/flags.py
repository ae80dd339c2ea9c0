"""Flags: what an article names and a lab host lost. They are raised, told, settled with a word; no text is edited."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from kb.models import AppliesTo, Article, Flag, Mention
from kb.roles import can_keep
from kb.services.mail_kinds import OUT_OF_DATE
from kb.services.review_news import subject_line
from portal.accounts.models import User
from portal.embeds.names import Loss, losses
from portal.mail.services import Letter, queue_letters

#: Owner and watchers of an article hear of its flags at most once in this time.
BETWEEN_MAILS = dt.timedelta(days=1)
#: Flags of one article that are open at the same time; more would say nothing new.
MAX_OPEN = 20
#: How a flag was settled whose ground is gone. It is opened again, without a mail, when the ground is there again.
WITHDRAWN = "The lab does not say so any more."
#: Article, kind, name, and where it is gone: what there is one flag for.
Key = tuple[int, str, str, str]


def raise_flags(*, at: dt.datetime) -> list[Flag]:
    """Flag the published articles that name something which is gone; return the new flags. Safe at any time.

    An open flag whose ground is gone is withdrawn: the text does not name it any more or was approved since, the host
    has it again, or is no longer public.
    """
    mentions = list(
        Mention.objects.filter(article__in=Article.objects.published())
        .exclude(kind=Mention.Kind.COMMAND)
        .values_list("article", "kind", "name")
    )
    by_name: dict[tuple[str, str], list[Loss]] = defaultdict(list)
    for loss in losses({(kind, name) for _, kind, name in mentions}):
        by_name[loss.kind, loss.name].append(loss)
    named = [(article, by_name[kind, name]) for article, kind, name in mentions if (kind, name) in by_name]
    articles = (
        Article.objects.published()
        .select_related("current")
        .prefetch_related("applies_to")
        .defer("html", "toc")
    ).in_bulk({article for article, _ in named})
    wanted = {
        (pk, loss.kind, loss.name, loss.where): loss
        for pk, found in named
        for loss in found
        if pk in articles and _concerns(articles[pk], loss)
    }
    new = _bring_in_step(wanted, at)
    _tell(at)
    return new


@transaction.atomic
def _bring_in_step(wanted: dict[Key, Loss], at: dt.datetime) -> list[Flag]:
    known = {_key(flag): flag for flag in Flag.objects.all()}
    is_withdrawn = {key: flag.settled_how == WITHDRAWN for key, flag in known.items()}
    gone = [flag for key, flag in known.items() if key not in wanted and flag.settled_at is None]
    again = [flag for key, flag in known.items() if key in wanted and is_withdrawn[key]]
    Flag.objects.filter(pk__in=[flag.pk for flag in gone]).update(settled_at=at, settled_how=WITHDRAWN)
    Flag.objects.filter(pk__in=[flag.pk for flag in again]).update(settled_at=None, settled_how="")
    open_now: dict[int, int] = defaultdict(int)
    for key, flag in known.items():
        open_now[flag.article_id] += key in wanted and (flag.settled_at is None or is_withdrawn[key])
    new: set[Key] = set()
    for key in sorted(wanted.keys() - known.keys()):
        open_now[key[0]] += 1
        if open_now[key[0]] <= MAX_OPEN:
            new.add(key)
    Flag.objects.bulk_create((_flag(key, wanted[key], at) for key in sorted(new)), ignore_conflicts=True)
    show_flags({flag.article_id for flag in (*gone, *again)} | {key[0] for key in new})
    made = Flag.objects.filter(article__in={key[0] for key in new}).order_by("pk") if new else ()
    return [flag for flag in made if _key(flag) in new]


def _key(flag: Flag) -> Key:
    return flag.article_id, flag.kind, flag.name, flag.where


def _flag(key: Key, loss: Loss, at: dt.datetime) -> Flag:
    article, kind, name, where = key
    return Flag(article_id=article, kind=kind, name=name, where=where, sentence=loss.sentence, raised_at=at)


def _concerns(article: Article, loss: Loss) -> bool:
    """Whether the loss is news to the article: of a version that it speaks of, and of after it was approved.

    A version that was measured with the project is news to every text that does not end at an older one.
    """
    ranges = [one for one in article.applies_to.all() if one.component == AppliesTo.Component.QEMU]
    if ranges and not any(_reaches(one.maximum, loss) for one in ranges):
        return False
    assert article.current is not None
    approved = article.current.reviewed_at or article.current.created_at
    return loss.is_reference or loss.since > approved.timestamp()


def _reaches(maximum: str, loss: Loss) -> bool:
    if not maximum:
        return True
    parts = tuple(int(part) for part in maximum.split(".") if part.isdecimal())
    return not loss.is_reference and parts >= loss.version[: len(parts)]


def show_flags(articles: Iterable[int]) -> None:
    """Store with each article what its page says of its open flags."""
    for article in Article.objects.filter(pk__in=set(articles)).defer("html", "toc"):
        flags = article.flags.filter(settled_at=None).order_by("raised_at", "pk")
        rows = []
        for flag in flags:
            day = timezone.localdate(flag.raised_at)
            rows.append([flag.pk, flag.sentence, day.isoformat(), date_format(day, "j F Y")])
        shown = article.shown | {"flags": rows}
        if shown != article.shown:
            Article.objects.filter(pk=article.pk).update(shown=shown)


class FlagRefused(Exception):
    """The flag cannot be settled by this person, or not like this; the message is a sentence."""


@transaction.atomic
def settle_flag(*, flag: Flag, by: User, how: str, at: dt.datetime) -> bool:
    """Close the flag with a word that says why. Returns False where somebody did already.

    :class:`FlagRefused` without a word, or for others than owner and reviewers.
    """
    if not can_keep(by, flag.article):
        raise FlagRefused("Only the article’s owner and reviewers settle this.")
    how = " ".join(how.split())
    if not how:
        raise FlagRefused("Say in a few words why it is settled, such as “The text says so since today”.")
    if len(how) > 200:
        raise FlagRefused("At most 200 characters: a few words are enough.")
    settled = Flag.objects.filter(pk=flag.pk, settled_at=None).update(settled_at=at, settled_how=how)
    show_flags([flag.article_id])
    return bool(settled)


def _tell(at: dt.datetime) -> None:
    """Tell owner and watchers of each article with news, all of its news in one mail, not twice in a day."""
    recently = Flag.objects.filter(told_at__gt=at - BETWEEN_MAILS).values("article")
    untold = Flag.objects.filter(settled_at=None, told_at=None).exclude(article__in=recently)
    by_article: dict[int, list[Flag]] = defaultdict(list)
    for flag in untold.select_related("article__owner").order_by("article", "raised_at", "pk"):
        by_article[flag.article_id].append(flag)
    for flags in by_article.values():
        with transaction.atomic():
            pks = [flag.pk for flag in flags]
            # Who writes the time sends the mail: two workers at once send one.
            if Flag.objects.filter(pk__in=pks, told_at=None).update(told_at=at) == len(pks):
                _send(flags[0].article, flags)


def _send(article: Article, flags: list[Flag]) -> None:
    readers = {article.owner_id: article.owner} if article.owner else {}
    readers |= {one.user_id: one.user for one in article.watches.select_related("user")}
    letters = [
        Letter(
            to=user.email,
            user=user,
            subject=subject_line(f"No longer so on a lab host: {article.title}"),
            context={
                "article": article,
                "flags": flags,
                "is_owner": user.pk == article.owner_id,
                "url": settings.SITE_URL + article.get_absolute_url(),
            },
            dedupe_key=f"kb:flag:{flags[0].pk}:{user.pk}",
        )
        for user in readers.values()
        if user is not None and user.is_active
    ]
    queue_letters(kind=OUT_OF_DATE.key, template="kb/mail/flagged", letters=letters)
