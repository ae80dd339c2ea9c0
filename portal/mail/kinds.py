"""Kinds of mail. A room registers its own in ``AppConfig.ready``; the notifications page lists them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of mail as its reader knows it.

    ``name`` completes "You receive …" and heads a line of the notifications page. ``can_switch_off`` is false
    for mail that people need in order to use or keep their account (transactional).
    """

    key: str
    name: str
    description: str
    can_switch_off: bool


class UnknownKind(ValueError):
    """Mail of a kind that nobody registered."""


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make ``kind`` known. Registering it again is harmless; another meaning for the same key is an error."""
    if _kinds.setdefault(kind.key, kind) != kind:
        raise ValueError(f"The kind of mail {kind.key!r} already means something else.")


def get(key: str) -> Kind:
    """The kind called ``key``. Raises ``UnknownKind``."""
    try:
        return _kinds[key]
    except KeyError:
        raise UnknownKind(f"No kind of mail is called {key!r}.") from None


def all_kinds() -> list[Kind]:
    """Every kind, in the order of registration."""
    return list(_kinds.values())


ACCOUNT = Kind(
    key="account",
    name="Account and security",
    description="Confirming your address, resetting your password, and every change to how you sign in.",
    can_switch_off=False,
)
register(ACCOUNT)
