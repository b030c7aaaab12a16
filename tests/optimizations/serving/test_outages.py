"""While the database is down or frozen, serve answers 503; then it recovers."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections

from levered_site.database import fetch_rows
from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Assignment, Decision, Optimization
from tests.support.factories import Api, read_error
from tests.support.optimization_factories import make_live_optimization
from tests.support.running_service import crowding

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


def _list_committer_pids() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'levered assignments'"
            " AND datname = current_database()"
        )
        return [row.pid for row in fetch_rows(cursor)]


@contextmanager
def _unreachable_database() -> Iterator[None]:
    """Let new connections fail, and terminate those of the committer."""
    database_settings = connections["default"].settings_dict
    host = database_settings["HOST"]
    database_settings["HOST"] = "/nonexistent"
    with connection.cursor() as cursor:
        for pid in _list_committer_pids():
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    try:
        yield
    finally:
        database_settings["HOST"] = host


@contextmanager
def _frozen_database() -> Iterator[None]:
    """Stop the committer's Postgres backend, as on a frozen machine."""
    pids = _list_committer_pids()
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_an_unreachable_database_is_a_503_at_once_and_recovers() -> None:
    optimization = make_live_optimization()
    assert _serve(optimization, "before")[0] == 200

    with _unreachable_database():
        results = [_serve(optimization, f"away{n}") for n in range(3)]
    after = _serve(optimization, "away0")

    assert [status for status, _ in results] == [503] * 3
    assert max(seconds for _, seconds in results) < 0.9 * crowding()
    assert after[0] == 200
    assert Assignment.objects.count() == 2
    assert Decision.objects.count() == 2


@contextmanager
def _read_only_database() -> Iterator[None]:
    """Let new connections be read-only, as those to a replica are."""
    options = connections["default"].settings_dict["OPTIONS"]
    options["options"] = "-c default_transaction_read_only=on"
    with connection.cursor() as cursor:
        for pid in _list_committer_pids():
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    try:
        yield
    finally:
        del options["options"]


def test_a_read_only_database_is_a_503_and_recovers() -> None:
    optimization = make_live_optimization()
    assert _serve(optimization, "before")[0] == 200

    with _read_only_database():
        during = _serve(optimization, "new")[0], _serve(optimization, "before")[0]
    after = _serve(optimization, "new")[0]

    assert (during, after) == ((503, 200), 200)
    assert Decision.objects.count() == 2


def test_a_frozen_database_is_a_503_within_a_second_then_at_once() -> None:
    optimization = make_live_optimization()
    assert _serve(optimization, "before")[0] == 200

    with _frozen_database():
        first = _serve(optimization, "asleep")
        time.sleep(0.2)
        second = _serve(optimization, "refused")
    time.sleep(0.3)
    repeat = _serve(optimization, "asleep")

    assert first[0] == second[0] == 503
    assert first[1] < 1.3 * crowding()
    assert second[1] < 0.5 * crowding()
    assert repeat[0] == 200
    # The claim under way was stored after its client gave up. The repeat found it, so
    # there is one receipt.
    assert Decision.objects.filter(anonymous_id="asleep").count() == 1
    assert not Assignment.objects.filter(anonymous_id="refused").exists()


def test_a_shipped_optimization_serves_without_the_committer() -> None:
    optimization = make_live_optimization()
    assert _serve(optimization, "before")[0] == 200
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)

    with _frozen_database():
        status, _ = _serve(optimization, "anybody")

    assert status == 200
    assert Assignment.objects.count() == 1
