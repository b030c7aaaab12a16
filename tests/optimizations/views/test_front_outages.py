"""The front when a store is away, at the cap on new users, and behind proxies."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
from django.db import connection, connections
from pytest_django import Settings

from levered_site.api import rate_limits
from levered_site.database import fetch_rows
from optimizations.models import Decision, Optimization
from tests.support import serve_front
from tests.support.factories import Api
from tests.support.optimization_factories import make_live_optimization
from tests.support.serve_front import Front, FrontResponse

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def front() -> Iterator[Front]:
    """Start polling, and return a front."""
    with serve_front.polling():
        yield Front()


@pytest.fixture
def optimization(front: Front) -> Optimization:
    """Make a live optimization that the front serves."""
    live = make_live_optimization()
    serve_front.warm_up(front, live)
    return live


def _serve(
    front: Front, optimization: Optimization, user: str, **headers: str
) -> FrontResponse:
    path = f"/api/v2/optimizations/{optimization.pk}/serve"
    body = orjson.dumps({"anonymous_id": user})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = front.post(path, body, named)
    assert response is not None
    return response


@contextmanager
def _unreachable_database() -> Iterator[None]:
    """Let new connections fail, and end those that store assignments."""
    database_settings = connections["default"].settings_dict
    host = database_settings["HOST"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) AS is_ended FROM pg_stat_activity"
            " WHERE application_name = 'levered assignments'"
            " AND datname = current_database()"
        )
        fetch_rows(cursor)
    database_settings["HOST"] = "/nonexistent"
    try:
        yield
    finally:
        database_settings["HOST"] = host


@contextmanager
def _unreachable_cache(settings: Settings) -> Iterator[None]:
    url = settings.REDIS_URL
    settings.REDIS_URL = "unix:///nonexistent/valkey.sock"
    serve_front.close_cache_client()
    try:
        yield
    finally:
        settings.REDIS_URL = url
        serve_front.close_cache_client()
        rate_limits._breaker.paused_until = 0.0


def test_without_the_database_known_users_are_served_and_others_get_a_503(
    front: Front, optimization: Optimization
) -> None:
    first = _serve(front, optimization, "known")

    with _unreachable_database():
        known = _serve(front, optimization, "known")
        new = _serve(front, optimization, "new")

    before, after = orjson.loads(first.content), orjson.loads(known.content)
    assert after["variant_number"] == before["variant_number"]
    assert after["sticky"] is True
    assert new.status == 503
    assert int(new.headers["retry-after"]) >= 1
    assert orjson.loads(new.content)["error"]["code"] == "unavailable"
    assert _serve(front, optimization, "new").status == 200


def test_without_the_cache_everybody_is_served(
    front: Front, optimization: Optimization, settings: Settings
) -> None:
    settings.RATELIMIT_SERVE = "1/d"

    with _unreachable_cache(settings):
        responses = [_serve(front, optimization, f"u{n}") for n in range(5)]

    assert {response.status for response in responses} == {200}
    assert "ratelimit-limit" not in responses[0].headers
    assert Decision.objects.count() == 5


def test_new_users_above_the_cap_get_a_429_and_known_ones_do_not(
    front: Front, optimization: Optimization, settings: Settings
) -> None:
    settings.NEW_USERS_PER_MINUTE = 3

    first = [_serve(front, optimization, f"u{n}").status for n in range(5)]
    again = [_serve(front, optimization, f"u{n}").status for n in range(5)]
    by_django = Api().post(
        f"/optimizations/{optimization.pk}/serve", {"anonymous_id": "u9"}
    )

    assert first == [200, 200, 200, 429, 429]
    assert again == first
    assert by_django.status_code in {200, 429}  # counts reach the cache with a delay
    assert Decision.objects.count() <= 4


def test_a_user_that_another_process_assigned_passes_the_cap(
    front: Front, optimization: Optimization, settings: Settings
) -> None:
    _serve(front, optimization, "early")
    serve_front.forget_users()
    settings.NEW_USERS_PER_MINUTE = 1

    early = _serve(front, optimization, "early")
    late = _serve(front, optimization, "late")

    assert (early.status, late.status) == (200, 429)
    assert orjson.loads(early.content)["sticky"] is True


def test_callers_behind_trusted_proxies_are_counted_apart(
    front: Front, optimization: Optimization, settings: Settings
) -> None:
    settings.RATELIMIT_SERVE, settings.TRUSTED_PROXIES = "1/d", 1

    def serve_from(address: str) -> int:
        return _serve(front, optimization, "u1", X_Forwarded_For=address).status

    assert serve_from("spoofed, 9.9.9.9") == 200
    assert serve_from("other, 9.9.9.9") == 429
    assert serve_from("9.9.9.8") == 200
    assert serve_from("2001:db8:1:2::1") == 200
    assert serve_from("2001:db8:1:2:ffff::2") == 429
    assert serve_from("2001:db8:1:3::1") == 200
