"""Published state: memory, cache, database, and what happens when one is away."""

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
from optimizations.serving import snapshot_loader, snapshot_store
from tests.support import optimization_factories
from tests.support.factories import Api

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = Api()
NOWHERE = "unix:///nonexistent/valkey.sock"


def _live() -> Optimization:
    return optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )


def _newest(optimization: Optimization) -> bytes | None:
    found = rate_limits.get_redis_client().get(
        snapshot_store.build_version_key(str(optimization.pk))
    )
    assert found is None or isinstance(found, bytes)
    return found


def _serve(optimization: Optimization, user: str = "u1") -> int:
    response = PUBLIC.post(
        f"/optimizations/{optimization.pk}/serve", {"anonymous_id": user}
    )
    return int(response.status_code)


def test_going_live_publishes() -> None:
    optimization = _live()
    optimization.refresh_from_db()

    assert _newest(optimization) == str(optimization.snapshot_version).encode()


def test_a_change_is_seen_by_the_next_request() -> None:
    optimization = _live()
    codes = [_serve(optimization)]

    for status in ("paused", "live", "paused"):
        lifecycle.change_status(optimization, status, SYSTEM_ACTOR)
        codes.append(_serve(optimization))

    assert codes == [200, 409, 200, 409]


def test_nothing_is_published_when_the_transaction_fails() -> None:
    optimization = _live()
    before = _newest(optimization)

    with pytest.raises(ConflictError):
        _pause_and_fail(optimization)

    assert _newest(optimization) == before
    assert _serve(optimization) == 200


@transaction.atomic
def _pause_and_fail(optimization: Optimization) -> None:
    paused = lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.ship_optimization(paused, SYSTEM_ACTOR)


def test_a_known_version_costs_no_query() -> None:
    optimization = _live()
    snapshot_store.load_snapshot(str(optimization.pk), _newest(optimization))

    with CaptureQueriesContext(connection) as captured:
        snapshot_store.load_snapshot(str(optimization.pk), _newest(optimization))

    assert len(captured) == 0


def test_an_emptied_cache_is_filled_again() -> None:
    optimization = _live()
    rate_limits.get_redis_client().flushdb()

    assert _serve(optimization) == 200
    assert _newest(optimization) is not None


def test_a_lost_publish_heals() -> None:
    optimization = _live()
    assert _serve(optimization) == 200
    # What a process killed between commit and publish leaves behind.
    Optimization.objects.filter(pk=optimization.pk).update(
        status="paused", snapshot_version=optimization.snapshot_version + 10
    )

    assert _serve(optimization, "before") == 200
    time.sleep(snapshot_store.BLOCKING_RECHECK_SECONDS + 0.1)

    assert _serve(optimization, "after") == 409
    assert not Assignment.objects.filter(anonymous_id="after").exists()


def test_publishing_never_goes_back() -> None:
    optimization = _live()
    old = snapshot_loader.query_snapshot(str(optimization.pk))
    assert old is not None
    snapshot_store._write_to_cache(replace(old, version=old.version + 5))

    snapshot_store._write_to_cache(old)

    assert _newest(optimization) == str(old.version + 5).encode()


def test_without_the_cache_everything_goes_on(away: None) -> None:
    optimization = _live()

    codes = [_serve(optimization, f"u{n}") for n in range(20)]
    started = time.monotonic()
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    time.sleep(snapshot_store.UNCACHED_RECHECK_SECONDS + 0.1)

    assert codes == [200] * 20
    assert Assignment.objects.count() == 20
    assert _serve(optimization) == 409
    assert time.monotonic() - started < 4


def test_without_the_cache_the_database_is_asked_once_a_second(away: None) -> None:
    optimization = _live()
    _serve(optimization)
    copies = []

    for n in range(20):
        _serve(optimization, f"u{n}")
        copies.append(snapshot_store._snapshot_cache.get(str(optimization.pk)))

    assert len({id(one) for one in copies}) <= 2


def test_an_unknown_id_is_not_found_and_asked_once() -> None:
    unknown = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"

    for _ in range(3):
        with pytest.raises(NotFoundError):
            snapshot_store.load_snapshot(unknown, None)

    held = snapshot_store._snapshot_cache.get(unknown)
    assert held is not None
    assert held.snapshot is None


@pytest.fixture
def away(settings: Settings) -> Iterator[None]:
    """Point the hot path at a cache that is not there."""
    known = settings.REDIS_URL
    settings.REDIS_URL = NOWHERE
    rate_limits.get_redis_client.cache_clear()
    yield
    settings.REDIS_URL = known  # before a side thread can make a client again
    rate_limits.get_redis_client.cache_clear()
    time.sleep(rate_limits.PAUSE_SECONDS)
