"""What rooms show on a member's own page.

A room registers a partial template and a query in its ``AppConfig.ready``; accounts knows no room.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.accounts.models import User


@dataclass(frozen=True)
class Section:
    """A part of ``/me/`` as one member sees it: the template draws ``section.data``."""

    name: str
    template: str
    data: Any


@dataclass(frozen=True)
class _Offer:
    template: str
    query: Callable[[User], Any]
    order: int


_offers: dict[str, _Offer] = {}


def register(name: str, *, template: str, query: Callable[[User], Any], order: int = 50) -> None:
    """Offer a section: ``query(user)`` gives what ``template`` draws as ``section.data``; low ``order`` comes first.

    The template begins with an ``h2``, says what to do when there is nothing yet, and makes no query itself.
    A query that returns None leaves the section out for this member.
    Raises ``ValueError`` when the name is taken.
    """
    if name in _offers:
        raise ValueError(f"A section “{name}” is registered already.")
    _offers[name] = _Offer(template, query, order)


def sections_for(user: User) -> list[Section]:
    """All sections of one member's page, in order."""
    offers = sorted(_offers.items(), key=lambda item: (item[1].order, item[0]))
    found = [Section(name, offer.template, offer.query(user)) for name, offer in offers]
    return [section for section in found if section.data is not None]
