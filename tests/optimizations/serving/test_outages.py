"""A database that is away or asleep costs a 503 each, and nothing once it is back."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Assignment, Decision, Optimization
from tests.support import optimization_factories
from tests.support.factories import Api, read_error

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = Api()


def _serve(optimization: Optimization, user: str) -> tuple[int, float]:
    started = time.monotonic()
    response = PUBLIC.post(
        f"/optimizations/{optimization.pk}/serve", {"anonymous_id": user}
    )
    if response.status_code == 503:
        assert read_error(response)["code"] == "unavailable"
        assert int(response["Retry-After"]) >= 1
    return response.status_code, time.monotonic() - started


def _committers() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'levered locks'"
            " AND datname = current_database()"
        )
        return [pid for (pid,) in cursor.fetchall()]


@contextmanager
def _nowhere() -> Iterator[None]:
    """Let no new connection find the database, and end the committer's."""
    known = connections["default"].settings_dict
    host = known["HOST"]
    known["HOST"] = "/nonexistent"
    with connection.cursor() as cursor:
        for pid in _committers():
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    try:
        yield
    finally:
        known["HOST"] = host


@contextmanager
def _asleep() -> Iterator[None]:
    """Stop the committer's backend in the middle of things, as a frozen machine is."""
    pids = _committers()
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_database_away_is_a_503_at_once_and_recovers() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    assert _serve(optimization, "before")[0] == 200

    with _nowhere():
        found = [_serve(optimization, f"away{n}") for n in range(3)]
    after = _serve(optimization, "away0")

    assert [status for status, _ in found] == [503] * 3
    assert max(seconds for _, seconds in found) < 0.9
    assert after[0] == 200
    assert Assignment.objects.count() == 2
    assert Decision.objects.count() == 2


def test_a_database_asleep_is_a_503_within_a_second_then_at_once() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    assert _serve(optimization, "before")[0] == 200

    with _asleep():
        first = _serve(optimization, "asleep")
        time.sleep(0.2)
        second = _serve(optimization, "refused")
    time.sleep(0.3)
    repeat = _serve(optimization, "asleep")

    assert first[0] == second[0] == 503
    assert first[1] < 1.3
    assert second[1] < 0.5
    assert repeat[0] == 200
    # The claim that was under way was stored after its client had left: the repeat
    # found it, and there is one receipt.
    assert Decision.objects.filter(anonymous_id="asleep").count() == 1
    assert not Assignment.objects.filter(anonymous_id="refused").exists()


def test_a_shipped_one_answers_without_the_committer() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    assert _serve(optimization, "before")[0] == 200
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR)

    with _asleep():
        found = _serve(optimization, "anybody")

    assert found[0] == 200
    assert Assignment.objects.count() == 1
