"""Which queues have a living worker: each leaves the time in the cache when beat asks it to."""

import time

from django.conf import settings
from django.core.cache import cache


def mark(queue: str) -> None:
    """Note that a worker of ``queue`` is alive now."""
    cache.set(f"pulse:{queue}", time.time(), timeout=3600)


def seconds_since(queue: str) -> float | None:
    """Seconds since a worker of ``queue`` was seen; None if never, or if the cache is out of reach."""
    seen = cache.get(f"pulse:{queue}")
    return None if seen is None else max(0.0, time.time() - float(seen))


def is_alive(queue: str) -> bool:
    """Whether a worker of ``queue`` answered one of the last four rounds."""
    age = seconds_since(queue)
    return age is not None and age < settings.BEAT_SECONDS * 4
