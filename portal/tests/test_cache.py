"""The cache while its Redis hangs: asked once, then left alone for a while."""

import socket
import time
from collections.abc import Iterator

import pytest

from portal import cache
from portal.cache import ForgivingRedisCache


@pytest.fixture
def hanging() -> Iterator[ForgivingRedisCache]:
    """A cache whose server takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"redis://127.0.0.1:{server.getsockname()[1]}"
        yield ForgivingRedisCache(address, {"OPTIONS": {"socket_timeout": 0.2}})


def test_a_redis_that_hangs_is_asked_once(hanging: ForgivingRedisCache) -> None:
    started = time.monotonic()
    for _ in range(20):
        assert hanging.get("key", "nothing") == "nothing"
        assert hanging.add("key", 1)
        assert hanging.incr("key") == 1
    assert time.monotonic() - started < 1.5


def test_it_is_asked_again_after_a_while(
    hanging: ForgivingRedisCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "AWAY_SECONDS", 0.0)
    hanging.get("key")
    hanging.get("key")
    assert caplog.text.count("out of reach") == 2
