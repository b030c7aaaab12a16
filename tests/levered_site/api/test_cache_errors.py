"""The client of Redis or Valkey: its parser, its one pool, and a server that dies."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import cache
from django.test import RequestFactory
from pytest_django import Settings
from redis.connection import DefaultParser

from levered_site.api import rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import UnavailableError
from optimizations.serving import snapshot_cache
from tests.support.spare_valkey import SpareValkey, run_spare_valkey
from warehouse.backends import byte_budget

THREAD_COUNT = 12
KILL_COUNT = 4


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    rate_limits.get_redis_client.cache_clear()
    rate_limits._breaker.paused_until = 0.0
    yield
    rate_limits.get_redis_client.cache_clear()
    rate_limits._breaker.paused_until = 0.0


@pytest.fixture
def valkey(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SpareValkey]:
    """Use a Valkey that may be killed, and ask it again right after a failure."""
    monkeypatch.setattr(rate_limits, "PAUSE_SECONDS", 0.0)
    with run_spare_valkey(tmp_path / "home") as valkey:
        settings.REDIS_URL = valkey.url
        settings.CACHES = {
            "default": {**settings.CACHES["default"], "LOCATION": valkey.url}
        }
        yield valkey


def test_the_parser_is_the_one_in_c() -> None:
    client = rate_limits.get_redis_client()
    client.ping()

    connection = client.connection_pool.get_connection()
    assert type(connection._parser) is DefaultParser
    assert DefaultParser.__name__ == "_HiredisParser"
    client.connection_pool.release(connection)


def test_a_dropped_client_leaves_its_connections_open() -> None:
    connection: Any = rate_limits.get_redis_client().connection_pool.get_connection()
    connection.send_command("PING")

    rate_limits.get_redis_client.cache_clear()  # what a second creation does

    assert connection.read_response() == b"PONG"


def _run_in_threads(work: Callable[[], None], while_running: Callable[[], None]) -> int:
    """Repeat `work` on threads; return how often it ran. Raise what it raises."""
    stop = threading.Event()
    runs: Counter[str] = Counter()
    errors: list[BaseException] = []

    def repeat() -> None:
        try:
            while not stop.is_set():
                work()
                runs["done"] += 1
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [
        threading.Thread(target=repeat, daemon=True) for _ in range(THREAD_COUNT)
    ]
    for thread in threads:
        thread.start()
    try:
        while_running()
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=20)
    if errors:
        raise errors[0]
    return runs["done"]


def _kill_repeatedly(valkey: SpareValkey) -> None:
    for _ in range(KILL_COUNT):
        time.sleep(0.25)
        valkey.kill()
        time.sleep(0.1)
        valkey.start()
    time.sleep(0.25)


def test_threads_that_create_the_client_at_once_do_not_disturb_each_other() -> None:
    def use() -> None:
        pipeline = rate_limits.get_redis_client().pipeline(transaction=False)
        pipeline.get("k")
        pipeline.execute()

    def forget_repeatedly() -> None:
        for _ in range(50):
            time.sleep(0.01)
            rate_limits.get_redis_client.cache_clear()

    assert _run_in_threads(use, forget_repeatedly) > 0


def test_a_dying_cache_raises_nothing_from_the_functions_that_use_it(
    valkey: SpareValkey,
) -> None:
    def use() -> None:
        rate_limits.count_in_pipeline("serve", "100000/m", "192.0.2.1", ["a"])
        request = RequestFactory().get("/")
        rate_limits.count_request(request, "api", "100000/m", "192.0.2.1")
        snapshot_cache.remove_snapshot("b")
        with suppress(UnavailableError):
            byte_budget.spend_bytes("org", 1)

    assert _run_in_threads(use, lambda: _kill_repeatedly(valkey)) > 0


def test_a_dying_cache_raises_cache_errors_only(valkey: SpareValkey) -> None:
    def use() -> None:
        with suppress(*CACHE_ERRORS):
            cache.set("k", 1)
        with suppress(*CACHE_ERRORS):
            cache.get("k")
        with suppress(*CACHE_ERRORS):
            rate_limits.get_redis_client().get("k")

    assert _run_in_threads(use, lambda: _kill_repeatedly(valkey)) > 0


def test_without_a_cache_a_query_that_costs_money_is_refused_for_now(
    valkey: SpareValkey,
) -> None:
    valkey.kill()

    with pytest.raises(UnavailableError, match="cannot be counted"):
        byte_budget.spend_bytes("org", 1)

    valkey.start()
    byte_budget.spend_bytes("org", 1)


def test_the_hot_path_and_djangos_cache_use_the_same_server() -> None:
    cache.set("shared", 1)

    client: redis.Redis = rate_limits.get_redis_client()
    assert client.exists(cache.make_key("shared"))
