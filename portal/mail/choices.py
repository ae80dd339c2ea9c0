"""What rooms add to the notifications page: choices finer than a kind of mail.

A room registers a partial template, a query and a way to save in its ``AppConfig.ready``; accounts knows no room.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from portal.accounts.models import User


@dataclass(frozen=True)
class Part:
    """A part of the page as one member sees it: the template draws ``part.data`` inside the page's one form."""

    name: str
    template: str
    data: Any


@dataclass(frozen=True)
class _Offer:
    template: str
    query: Callable[[User], Any]
    save: Callable[[User, QueryDict], None]


_offers: dict[str, _Offer] = {}


def register(
    name: str, *, template: str, query: Callable[[User], Any], save: Callable[[User, QueryDict], None]
) -> None:
    """Offer a part: ``query(user)`` gives what ``template`` draws, None leaves it out; ``save`` reads what was posted.

    ``save`` leaves alone what was not posted or is no choice. Raises ``ValueError`` when the name is taken.
    """
    if name in _offers:
        raise ValueError(f"A part “{name}” is registered already.")
    _offers[name] = _Offer(template, query, save)


def parts_for(user: User) -> list[Part]:
    """All parts for one member, in the order of registration."""
    found = [Part(name, offer.template, offer.query(user)) for name, offer in _offers.items()]
    return [part for part in found if part.data is not None]


def save_parts(user: User, posted: QueryDict) -> None:
    """Keep what the member chose."""
    for offer in _offers.values():
        offer.save(user, posted)
