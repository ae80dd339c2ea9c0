"""Two organizers who edit one meetup at once: what each changed is kept, what both changed is shown to the second."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from events.models import Meetup

#: Fields that mean something only together: who changes one of them has seen the others.
_TOGETHER = (
    frozenset({"starts_at", "ends_at", "date_precision", "time_zone"}),
    frozenset({"registration_opens_at", "registration_closes_at"}),
    frozenset({"mode", "venue", "online_url"}),
)


class EditConflict(Exception):
    """Somebody else changed the same meanwhile; nothing was saved.

    ``fields`` are the names of what both changed, ``mine`` of everything that the editor changed.
    """

    def __init__(self, fields: frozenset[str], mine: frozenset[str]) -> None:
        super().__init__("Somebody else changed the same meanwhile.")
        self.fields = fields
        self.mine = mine


def value_of(meetup: Meetup, field: str) -> Any:
    """The stored value of an editable field; topics are names in order."""
    if field == "topics":
        return sorted((topic.name for topic in meetup.topics.all()), key=str.lower)
    return getattr(meetup, field)


def fingerprint(value: Any) -> str:
    """A few characters that tell one value from another."""
    if isinstance(value, list):
        value = sorted(value, key=str.lower)
    known = getattr(value, "pk", value)
    if isinstance(known, dt.datetime):
        known = known.astimezone(dt.UTC).isoformat()
    return hashlib.sha256(repr(known).encode()).hexdigest()[:12]


def fingerprints(meetup: Meetup, fields: frozenset[str]) -> dict[str, str]:
    """What an edit page carries along, so that its sending knows what has changed since."""
    return {name: fingerprint(value_of(meetup, name)) for name in sorted(fields)}


def merged(row: Meetup, changes: Mapping[str, Any], seen: Mapping[str, str]) -> dict[str, Any]:
    """Those of ``changes`` that the editor made, beside what others made since ``seen``.

    ``row`` is the meetup as it is now, under its lock. Raises :class:`EditConflict` where both changed the same to
    something different. A field that ``seen`` does not know counts as changed by others.
    """
    stored = {name: value_of(row, name) for name in changes}
    now = {name: fingerprint(value) for name, value in stored.items()}
    wanted = {name: fingerprint(value) for name, value in changes.items()}
    mine = {name for name in changes if wanted[name] != seen.get(name)}
    theirs = {name for name in changes if now[name] != seen.get(name)}
    disputed = {name for name in mine & theirs if wanted[name] != now[name]}
    for group in _TOGETHER:
        whole = group & changes.keys()
        if whole & mine and whole & theirs:
            disputed |= {name for name in whole if wanted[name] != now[name]}
        if whole & mine:
            mine |= whole
    if disputed:
        raise EditConflict(frozenset(disputed), frozenset(mine))
    return {name: changes[name] for name in mine}
