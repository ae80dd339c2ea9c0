"""People who give talks: their pages, and whose page is whose."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils.text import slugify

from events.models import Speaker, SpeakerClaim, Talk, TalkSpeaker
from events.permissions import can_decide_claim
from events.services import mails
from portal.accounts.models import User

#: More people than this do not give one talk.
MAX_SPEAKERS = 8
#: Characters of a slug that come from words; the rest of the column is for what makes it unique.
SLUG_LENGTH = 70


class SpeakerRefused(Exception):
    """What was asked cannot be done; the message is a sentence for the person."""


@dataclass(frozen=True)
class Named:
    """A speaker as somebody typed them: a name, and where they work today, perhaps empty."""

    name: str
    affiliation: str = ""


def free_slug(rows: models.QuerySet[Any], words: str, *, otherwise: str) -> str:
    """A slug of ``words`` that none of ``rows`` has; ``otherwise`` stands where no letter is left of them."""
    base = slug = slugify(words)[:SLUG_LENGTH].strip("-") or otherwise
    while rows.filter(slug=slug).exists():
        slug = f"{base}-{secrets.token_hex(4)}"
    return slug


def own_speaker(user: User) -> Speaker:
    """The member's page as a speaker, made now if they have none.

    A page of the same name that is there already is not taken for theirs: that takes a claim.
    """
    speaker = Speaker.objects.filter(user=user).first()
    if speaker:
        return speaker
    slug = free_slug(Speaker.objects.all(), user.name, otherwise="speaker")
    return Speaker.objects.create(user=user, name=user.name, slug=slug)


def set_speakers(*, talk: Talk, named: Sequence[Named], first: Speaker | None = None) -> None:
    """Let ``talk`` be given by ``first`` and then by ``named``, in this order, and by nobody else.

    Whoever gives it already keeps their page. A new name is taken to be the page of that name where there is
    exactly one; otherwise a page is made.
    """
    given = {row.speaker.name.casefold(): row.speaker for row in talk.speaking.select_related("speaker")}
    wanted: dict[int, str] = {}
    if first:
        wanted[first.pk] = first.affiliation
        given[first.name.casefold()] = first
    for one in named:
        speaker = given.get(one.name.casefold()) or _page_of(one.name)
        wanted[speaker.pk] = one.affiliation
    talk.speaking.exclude(speaker__in=wanted).delete()
    for position, (pk, affiliation) in enumerate(wanted.items()):
        TalkSpeaker.objects.update_or_create(
            talk=talk, speaker_id=pk, defaults={"position": position, "affiliation": affiliation}
        )


def _page_of(name: str) -> Speaker:
    found = list(Speaker.objects.filter(name__iexact=name)[:2])
    if len(found) == 1:
        return found[0]
    return Speaker.objects.create(name=name, slug=free_slug(Speaker.objects.all(), name, otherwise="speaker"))


def change_profile(*, speaker: Speaker, name: str, affiliation: str, bio: str) -> None:
    """Save what a speaker says about themselves; the address of the page stays."""
    speaker.name, speaker.affiliation, speaker.bio = name, affiliation, bio
    speaker.save(update_fields=["name", "affiliation", "bio"])


def leave_talk(*, talk: Talk, user: User) -> bool:
    """Take the member's name off ``talk``. False if it was not there."""
    deleted, _ = TalkSpeaker.objects.filter(talk=talk, speaker__user=user).delete()
    return deleted > 0


@transaction.atomic
def claim_speaker(*, speaker: Speaker, user: User, text: str) -> SpeakerClaim:
    """Say that the page is about oneself. Raises ``SpeakerRefused`` where it is somebody's already."""
    if not Speaker.objects.filter(pk=speaker.pk, user=None).exists():
        raise SpeakerRefused("This page belongs to a member already.")
    claim, is_new = SpeakerClaim.objects.get_or_create(
        speaker=speaker, user=user, status=SpeakerClaim.Status.OPEN, defaults={"text": text}
    )
    if is_new:
        mails.tell_claim_made(claim)
    return claim


@transaction.atomic
def decide_claim(*, claim: SpeakerClaim, actor: User, is_right: bool, at: dt.datetime) -> None:
    """Give the page to whoever claims it, or not. Nobody decides on a claim of their own.

    A page that the member has already is merged into it; what others claim of it is declined with that. Raises
    ``SpeakerRefused``.
    """
    if claim.user_id == actor.pk or not can_decide_claim(actor, claim.speaker):
        raise SpeakerRefused("Somebody else has to decide this.")
    status = SpeakerClaim.Status.ACCEPTED if is_right else SpeakerClaim.Status.DECLINED
    open_claim = SpeakerClaim.objects.filter(pk=claim.pk, status=SpeakerClaim.Status.OPEN)
    if not open_claim.update(status=status, decided_by=actor, decided_at=at):
        raise SpeakerRefused("Somebody has decided this already.")
    decided = [claim.pk]
    if is_right:
        _give_page(claim.speaker, claim.user)
        others = SpeakerClaim.objects.filter(speaker=claim.speaker, status=SpeakerClaim.Status.OPEN)
        decided += others.values_list("pk", flat=True)
        others.update(status=SpeakerClaim.Status.DECLINED, decided_by=actor, decided_at=at)
    for one in SpeakerClaim.objects.filter(pk__in=decided).select_related("user", "speaker"):
        mails.tell_claim_decided(one)


def _give_page(speaker: Speaker, user: User) -> None:
    before = Speaker.objects.filter(user=user).exclude(pk=speaker.pk).first()
    if before:
        both = TalkSpeaker.objects.filter(speaker=speaker).values("talk")
        TalkSpeaker.objects.filter(speaker=before).exclude(talk__in=both).update(speaker=speaker)
        before.delete()
    if not Speaker.objects.filter(pk=speaker.pk, user=None).update(user=user):
        raise SpeakerRefused("This page belongs to a member already.")
