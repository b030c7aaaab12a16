"""While the cache dies and returns under load, serve answers 200 or 503, never 500."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from levered_site.api import rate_limits
from optimizations.models import Assignment, Decision
from tests.support.optimization_factories import make_live_optimization
from tests.support.spare_valkey import SpareValkey, run_spare_valkey

pytestmark = pytest.mark.django_db(transaction=True)

THREAD_COUNT = 8
KILL_COUNT = 5


@pytest.fixture
def valkey(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SpareValkey]:
    """Serve with a Valkey that may be killed, and ask it again after every failure."""
    monkeypatch.setattr(rate_limits, "PAUSE_SECONDS", 0.0)
    settings.RATELIMIT_SERVE = "1000000/m"
    with run_spare_valkey(tmp_path / "home") as valkey:
        settings.REDIS_URL = valkey.url
        settings.CACHES = {
            "default": {**settings.CACHES["default"], "LOCATION": valkey.url}
        }
        rate_limits.get_redis_client.cache_clear()
        yield valkey
        rate_limits.get_redis_client.cache_clear()
    rate_limits._breaker.paused_until = 0.0


def _kill_repeatedly(valkey: SpareValkey) -> None:
    for _ in range(KILL_COUNT):
        time.sleep(0.3)
        valkey.kill()
        time.sleep(0.1)
        valkey.start()


def test_serve_is_never_a_500_while_the_cache_is_killed(valkey: SpareValkey) -> None:
    optimization = make_live_optimization()
    path = f"/api/v2/optimizations/{optimization.pk}/serve"
    stop = threading.Event()
    statuses: Counter[int] = Counter()
    numbers = itertools.count()

    def serve_repeatedly() -> None:
        client = Client(raise_request_exception=False)
        while not stop.is_set():
            body = {"anonymous_id": f"user-{next(numbers)}"}
            response = client.post(path, body, content_type="application/json")
            statuses[response.status_code] += 1
        connections.close_all()

    threads = [threading.Thread(target=serve_repeatedly) for _ in range(THREAD_COUNT)]
    for thread in threads:
        thread.start()
    try:
        _kill_repeatedly(valkey)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)

    assert set(statuses) <= {200, 503}
    assert statuses[200] > 0
    assert Assignment.objects.count() >= statuses[200]
    assert Decision.objects.count() == Assignment.objects.count()
