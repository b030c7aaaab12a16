"""Keys in memory: no query for a known key, and a revoked one stops within 5 seconds."""

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from levered_site.errors import ForbiddenError, UnauthorizedError
from levered_site.organizations import key_lookup, key_memory, serving_keys
from levered_site.organizations.models import ApiKey
from tests.support import factories
from tests.support.factories import Api

pytestmark = pytest.mark.django_db


class Clock(SimpleNamespace):
    """A clock that a test moves."""

    now = 0.0

    def monotonic(self) -> float:
        """Return the time of the test."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the clock of the memory by one that stands still."""
    clock = Clock(now=time.monotonic())
    for module in (key_memory, key_lookup):
        monkeypatch.setattr(module, "time", clock)
    return clock


def find_in_memory(secret: str) -> serving_keys.ServingKey | None:
    """Return the key that this process knows of a secret."""
    return serving_keys.find_key_in_memory(key_memory.hash_secret(secret))


def test_a_known_key_needs_no_query() -> None:
    acme = factories.make_organization()
    secret = factories.make_api_key(acme, scopes=("serve", "read"))
    assert find_in_memory(secret) is None

    loaded = key_lookup.load_holder(secret)
    with CaptureQueriesContext(connection) as queries:
        remembered = find_in_memory(secret)
        loaded_again = key_lookup.load_holder(secret)

    assert loaded is remembered is loaded_again
    assert len(queries) == 0
    assert loaded.organization_id == acme.pk
    assert loaded.key_id == str(ApiKey.objects.get().pk)
    assert loaded.scopes == {"serve", "read"}


def test_a_key_revoked_by_another_process_stops_within_5_seconds(clock: Clock) -> None:
    """This process learns nothing of the update but by asking again."""
    secret = factories.make_api_key(factories.make_organization(), scopes=("read",))
    assert Api(secret).get("/me").status_code == 200

    ApiKey.objects.update(revoked_at=timezone.now())

    clock.now += 3.9
    assert Api(secret).get("/me").status_code == 200
    clock.now += 0.2
    assert Api(secret).get("/me").status_code == 401


def test_a_key_stops_at_its_expiry_and_not_when_memory_asks_again(clock: Clock) -> None:
    expiry = timezone.now() + timedelta(seconds=2)
    secret = factories.make_api_key(
        factories.make_organization(), scopes=("serve",), expires_at=expiry
    )
    key_lookup.load_holder(secret)

    clock.now += 1.5
    assert find_in_memory(secret) is not None
    clock.now += 0.6
    assert find_in_memory(secret) is None


def test_an_unknown_key_is_looked_up_once_in_a_while(clock: Clock) -> None:
    secret = "lev_nobody_made_this"

    for expected_queries in (1, 0):
        with CaptureQueriesContext(connection) as queries:
            with pytest.raises(UnauthorizedError, match="unknown"):
                key_lookup.load_holder(secret)
            assert find_in_memory(secret) is None
        assert len(queries) == expected_queries

    clock.now += key_memory.FRESH_SECONDS
    with CaptureQueriesContext(connection) as queries, pytest.raises(UnauthorizedError):
        key_lookup.load_holder(secret)
    assert len(queries) == 1


def test_a_key_without_the_scope_serve_is_named_as_such() -> None:
    secret = factories.make_api_key(factories.make_organization(), scopes=("read",))

    with pytest.raises(ForbiddenError, match="scope `serve`; this key has `read`"):
        serving_keys.require_serve_scope(key_lookup.load_holder(secret))

    assert find_in_memory(secret) is None


def test_strangers_who_try_secrets_do_not_push_out_a_key_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_memory, "MAX_ENTRIES", 3)
    monkeypatch.setattr(key_memory, "_problems", key_memory._Memory())
    secret = factories.make_api_key(factories.make_organization(), scopes=("serve",))
    key = key_lookup.load_holder(secret)

    for number in range(10):
        key_memory.remember_problem(f"digest {number}", "unknown")

    assert find_in_memory(secret) is key
    assert [
        number
        for number in range(10)
        if key_memory.find_problem(f"digest {number}") is not None
    ] == [7, 8, 9]


def test_memory_holds_no_secret() -> None:
    secret = factories.make_api_key(factories.make_organization(), scopes=("serve",))

    key_lookup.load_holder(secret)

    assert secret not in str(vars(key_memory._holders))
