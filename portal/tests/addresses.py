"""Every address of the portal, and what three persons get there by GET. A new address must be added here.

``owner`` owns the things that the addresses name; ``member`` is signed in and owns none of them; ``stranger`` is not
signed in. A number is a status, ``SIGN_IN`` a redirect to the sign-in page, ``ON`` any other redirect.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

SIGN_IN, ON = "sign-in", "redirect"
Answer = int | str
World = dict[str, Any]


@dataclass(frozen=True)
class Address:
    """One address: its URL name, how to fill it, and what each person gets."""

    name: str
    stranger: Answer
    member: Answer
    owner: Answer
    arguments: Callable[[World], dict[str, Any]] = field(default=lambda world: {})
    is_page: bool = True


def everyone(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address that answers all three alike."""
    return Address(name, answer, answer, answer, **more)


def members(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address for whoever is signed in."""
    return Address(name, SIGN_IN, answer, answer, **more)


def visitors(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address for whoever is not signed in; members are sent on."""
    return Address(name, answer, ON, ON, **more)


def by_post(name: str, **more: Any) -> Address:
    """An address that only takes POST."""
    return everyone(name, 405, is_page=False, **more)


def machine(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address for programs."""
    return everyone(name, answer, is_page=False, **more)


def url_names() -> Iterator[str]:
    """Names of all addresses, the admin's excepted, as ``reverse`` takes them."""

    def walk(resolver: URLResolver, space: str) -> Iterator[str]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                if entry.namespace != "admin":
                    yield from walk(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
            elif isinstance(entry, URLPattern) and entry.name:
                yield f"{space}{entry.name}"

    yield from walk(get_resolver(), "")
