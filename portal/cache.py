"""A Redis cache that the portal can live without."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis.exceptions
from django.core.cache.backends.redis import RedisCache

log = logging.getLogger(__name__)
T = TypeVar("T")

AWAY_SECONDS = 5.0
"""How long a Redis that did not answer is left alone: one that hangs would cost two seconds for each question."""
_away_until: dict[str, float] = {}


class ForgivingRedisCache(RedisCache):
    """Redis as cache; while it cannot be reached, look-ups miss and writes are dropped, with a warning.

    Pages, sign-in and uploads go on when the broker is down. Rate limits then let people through:
    being locked out of one's own account by a broken cache is the worse of the two.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._server = str(server)

    def _or(self, default: T, call: Callable[[], T]) -> T:
        """What ``call`` returns, or ``default`` while Redis cannot be reached."""
        if time.monotonic() < _away_until.get(self._server, 0.0):
            return default
        try:
            return call()
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
            log.warning("cache out of reach: %s", error)
            _away_until[self._server] = time.monotonic() + AWAY_SECONDS
            return default

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return self._or(True, lambda: super(ForgivingRedisCache, self).add(*args, **kwargs))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, lambda: super(ForgivingRedisCache, self).get(key, default, version))

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._or(None, lambda: super(ForgivingRedisCache, self).set(*args, **kwargs))

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return self._or(False, lambda: super(ForgivingRedisCache, self).touch(*args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return self._or(False, lambda: super(ForgivingRedisCache, self).delete(*args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return self._or({}, lambda: super(ForgivingRedisCache, self).get_many(*args, **kwargs))

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return self._or(False, lambda: super(ForgivingRedisCache, self).has_key(*args, **kwargs))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._or(delta, lambda: super(ForgivingRedisCache, self).incr(key, delta, version))

    def set_many(self, *args: Any, **kwargs: Any) -> list[Any]:
        return self._or([], lambda: super(ForgivingRedisCache, self).set_many(*args, **kwargs))

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._or(None, lambda: super(ForgivingRedisCache, self).delete_many(*args, **kwargs))
