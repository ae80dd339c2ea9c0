"""Who keeps what about a member, so that all of it can be handed over and all of it erased.

Each app that keeps rows or files about people registers once, in its ``AppConfig.ready``. Accounts knows no
room; rooms know this module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.accounts.models import User


@dataclass(frozen=True)
class Keeper:
    """One app that keeps something about members."""

    name: str
    export: Callable[[User], Any]
    erase: Callable[[User], None]
    warn: Callable[[User], list[str]]


def _no_warning(user: User) -> list[str]:
    return []


_keepers: dict[str, Keeper] = {}


def register(
    name: str,
    *,
    export: Callable[[User], Any],
    erase: Callable[[User], None],
    warn: Callable[[User], list[str]] = _no_warning,
) -> None:
    """Say that the app ``name`` keeps personal data.

    ``export`` returns everything about one member as JSON can say it (``DjangoJSONEncoder``); it becomes
    ``<name>.json`` in the member's archive. ``erase`` removes it for good: rows at once, inside the caller's
    transaction, and files with ``transaction.on_commit``. What ``on_delete=CASCADE`` removes with the user needs
    no line in ``erase``. ``warn`` says in sentences what others lose when the member goes; the page on which the
    account is erased shows them, and nothing is refused. Raises ``ValueError`` when the name is taken.
    """
    if name in _keepers:
        raise ValueError(f"Personal data of “{name}” is registered already.")
    _keepers[name] = Keeper(name, export, erase, warn)


def keepers() -> list[Keeper]:
    """All keepers, by name."""
    return [_keepers[name] for name in sorted(_keepers)]


def warnings_for(user: User) -> list[str]:
    """What the member should know before erasing the account, from all keepers."""
    return [sentence for keeper in keepers() for sentence in keeper.warn(user)]
