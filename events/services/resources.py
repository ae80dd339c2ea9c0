"""Slides, recordings and code of talks: what is known of them."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from events.models import Resource, Talk


@transaction.atomic
def save_resources(
    *,
    talk: Talk,
    made: Iterable[Resource],
    changed: Iterable[tuple[Resource, Any]],
    gone: Iterable[Resource],
) -> None:
    """Save what a formset of ``talk`` changed. A new address is unknown until it is checked."""
    for resource in gone:
        resource.delete()
    for resource, fields in [*changed, *((new, ["url"]) for new in made)]:
        resource.talk = talk
        if "url" in fields:
            forget_checks(resource)
        resource.save()


def forget_checks(resource: Resource) -> None:
    """Let ``resource`` be as if it had never been checked; the caller saves it."""
    resource.alive = Resource.Alive.UNKNOWN
    resource.checked_at = resource.failing_since = resource.next_check_at = None
    resource.check_result = ""
    resource.failures = 0
