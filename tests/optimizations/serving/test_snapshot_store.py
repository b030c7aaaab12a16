"""Snapshots from memory, cache and database, also while one of them is away."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from levered_site.api import rate_limits
from levered_site.errors import ConflictError, NotFoundError
from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Assignment, Optimization
from optimizations.serving import (
    new_user_cap,
    snapshot_cache,
    snapshot_loader,
    snapshot_memory,
    snapshot_store,
)
from tests.support import serve_front
from tests.support.factories import Api
from tests.support.optimization_factories import make_live_optimization
from tests.support.running_service import crowding, until
from tests.support.serve_front import Front

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = Api()
MISSING_REDIS_URL = "unix:///nonexistent/valkey.sock"


def _read_cached_version(optimization: Optimization) -> bytes | None:
    version = rate_limits.get_redis_client().get(
        snapshot_cache.build_version_key(str(optimization.pk))
    )
    assert version is None or isinstance(version, bytes)
    return version


def _serve(optimization: Optimization, user: str = "u1") -> int:
    response = PUBLIC.post(
        f"/optimizations/{optimization.pk}/serve", {"anonymous_id": user}
    )
    return int(response.status_code)


def test_going_live_publishes() -> None:
    optimization = make_live_optimization()
    optimization.refresh_from_db()

    assert (
        _read_cached_version(optimization)
        == str(optimization.snapshot_version).encode()
    )


def test_a_change_is_seen_by_the_next_request() -> None:
    optimization = make_live_optimization()
    codes = [_serve(optimization)]

    for status in ("paused", "live", "paused"):
        lifecycle.change_status(optimization, status, SYSTEM_ACTOR)
        codes.append(_serve(optimization))

    assert codes == [200, 409, 200, 409]


def test_nothing_is_published_when_the_transaction_fails() -> None:
    optimization = make_live_optimization()
    before = _read_cached_version(optimization)

    with pytest.raises(ConflictError):
        _pause_and_fail(optimization)

    assert _read_cached_version(optimization) == before
    assert _serve(optimization) == 200


@transaction.atomic
def _pause_and_fail(optimization: Optimization) -> None:
    paused = lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.ship_optimization(paused, SYSTEM_ACTOR, confirm=True)


def test_a_snapshot_in_memory_costs_no_query() -> None:
    optimization = make_live_optimization()
    snapshot_store.load_snapshot(
        str(optimization.pk), _read_cached_version(optimization)
    )

    with CaptureQueriesContext(connection) as captured:
        snapshot_store.load_snapshot(
            str(optimization.pk), _read_cached_version(optimization)
        )

    assert len(captured) == 0


def test_an_emptied_cache_is_filled_again() -> None:
    optimization = make_live_optimization()
    rate_limits.get_redis_client().flushdb()

    def fill_by_serving() -> bool:
        assert _serve(optimization) == 200
        return _read_cached_version(optimization) is not None

    until(fill_by_serving, 5)


def test_a_lost_publish_is_noticed() -> None:
    optimization = make_live_optimization()
    assert _serve(optimization) == 200
    # A process that is killed between commit and publish leaves this behind.
    Optimization.objects.filter(pk=optimization.pk).update(
        status="paused", snapshot_version=optimization.snapshot_version + 10
    )

    assert _serve(optimization, "before") == 200
    time.sleep(snapshot_store.BLOCKING_RECHECK_SECONDS + 0.1)

    assert _serve(optimization, "after") == 409
    assert not Assignment.objects.filter(anonymous_id="after").exists()


def test_an_older_snapshot_does_not_replace_a_newer_one() -> None:
    optimization = make_live_optimization()
    old = snapshot_loader.query_snapshot(str(optimization.pk))
    assert old is not None
    snapshot_cache.write_snapshot(replace(old, version=old.version + 5))

    snapshot_cache.write_snapshot(old)

    assert _read_cached_version(optimization) == str(old.version + 5).encode()


def test_serving_works_without_the_cache(cache_away: None) -> None:
    optimization = make_live_optimization()

    codes = [_serve(optimization, f"u{n}") for n in range(20)]
    started = time.monotonic()
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    time.sleep(snapshot_store.UNCACHED_RECHECK_SECONDS + 0.1)

    assert codes == [200] * 20
    assert Assignment.objects.count() == 20
    assert _serve(optimization) == 409
    assert time.monotonic() - started < 4 * crowding()


def test_without_the_cache_the_database_is_asked_once_a_second(
    cache_away: None,
) -> None:
    optimization = make_live_optimization()
    _serve(optimization)
    copies = []
    started = time.monotonic()

    for n in range(20):
        _serve(optimization, f"u{n}")
        copies.append(snapshot_memory._memory.get(str(optimization.pk)))

    turns = (time.monotonic() - started) // snapshot_store.UNCACHED_RECHECK_SECONDS
    assert len({id(copy) for copy in copies}) <= 2 + turns


def test_an_unknown_id_is_not_found_and_asked_once() -> None:
    unknown = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"

    for _ in range(3):
        with pytest.raises(NotFoundError):
            snapshot_store.load_snapshot(unknown, None)

    copy = snapshot_memory._memory.get(unknown)
    assert copy is not None
    assert copy.snapshot is None


@pytest.fixture
def cache_away(settings: Settings) -> Iterator[None]:
    """Point serving at a cache that does not exist."""
    redis_url = settings.REDIS_URL
    settings.REDIS_URL = MISSING_REDIS_URL
    rate_limits.get_redis_client.cache_clear()
    yield
    settings.REDIS_URL = redis_url  # before a side thread can create a client again
    rate_limits.get_redis_client.cache_clear()
    time.sleep(rate_limits.PAUSE_SECONDS)


def test_a_process_that_polls_gives_the_cache_back_what_it_lost() -> None:
    """A cache that crashed comes back with the state of a second ago."""
    optimization = make_live_optimization()
    key = snapshot_cache.build_version_key(str(optimization.pk))
    with serve_front.polling():
        serve_front.warm_up(Front(), optimization)
        newest = _read_cached_version(optimization)
        assert newest is not None
        rate_limits.get_redis_client().set(key, int(newest) - 1)

        until(lambda: _read_cached_version(optimization) == newest, 5)


def test_a_process_that_starts_believes_the_database_and_not_the_cache() -> None:
    optimization = make_live_optimization()
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    stale = snapshot_loader.query_snapshot(str(optimization.pk))
    assert stale is not None
    key = str(optimization.pk)
    rate_limits.get_redis_client().set(
        snapshot_cache.build_content_key(key),
        replace(stale, status="live", version=1).to_bytes(),
    )
    rate_limits.get_redis_client().set(snapshot_cache.build_version_key(key), 1)
    snapshot_memory._memory.reset()

    assert _serve(optimization) == 409


GARBAGE = (b"", b"\xff\x00", b"two", b"-1", b"nan", b"9" * 5000, b"[]", b"5\n")


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_version_that_is_no_number_counts_as_unknown_and_is_replaced(
    garbage: bytes,
) -> None:
    optimization = make_live_optimization()
    key = snapshot_cache.build_version_key(str(optimization.pk))
    version = _read_cached_version(optimization)
    rate_limits.get_redis_client().set(key, garbage)

    def repair_by_serving() -> bool:
        assert _serve(optimization) == 200
        return _read_cached_version(optimization) == version

    until(repair_by_serving, 5)


@pytest.mark.parametrize("garbage", GARBAGE[:3])
def test_a_process_that_polls_replaces_a_version_that_is_no_number(
    garbage: bytes,
) -> None:
    optimization = make_live_optimization()
    key = snapshot_cache.build_version_key(str(optimization.pk))
    with serve_front.polling():
        serve_front.warm_up(Front(), optimization)
        version = _read_cached_version(optimization)
        rate_limits.get_redis_client().set(key, garbage)

        until(lambda: _read_cached_version(optimization) == version, 5)


@pytest.mark.parametrize("garbage", [*GARBAGE, b"5\n\x00", b'{"shape": 1}\n'])
def test_a_cached_snapshot_that_is_none_counts_as_missing(garbage: bytes) -> None:
    assert snapshot_cache.parse_snapshot(garbage, "an id") is None


@pytest.mark.parametrize("garbage", GARBAGE[:3])
def test_a_count_of_new_users_that_is_no_number_counts_as_none(garbage: bytes) -> None:
    optimization = make_live_optimization()
    key = new_user_cap.build_cache_key(str(optimization.pk))
    rate_limits.get_redis_client().set(key, garbage)

    assert _serve(optimization) == 200
