"""Checks of queries run in processes that are killed beyond their deadline."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from django.test import override_settings

from levered_site.errors import InvalidParametersError, UnavailableError
from tests.support.running_service import crowding
from warehouse.backends import managed, query_checks
from warehouse.processes import isolated_process, messages
from warehouse.processes.messages import DeadlineError
from warehouse.processes.pool import PoolBusyError, ProcessPool
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.shapes import CheckedQuery

SQL = "SELECT anonymous_id FROM managed_dw.rewards"
MEMORY_BYTES = 512 * 2**20


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    """Return a pool of one process."""
    pool = ProcessPool(query_checks.MODULE, 1, MEMORY_BYTES)
    yield pool
    pool.close()


def _check() -> CheckedQuery:
    return query_checks.check_query(
        SQL, "postgres", managed=True, schema=None, database=None
    )


def test_a_check_beyond_its_deadline_is_refused_and_the_next_one_works() -> None:
    with (
        override_settings(QUERY_CHECK_SECONDS=0.0001),
        pytest.raises(RefusedError, match="too complex"),
    ):
        _check()

    checked = _check()

    assert checked.columns == ("anonymous_id",)


def test_a_killed_process_is_replaced(pool: ProcessPool) -> None:
    request = ("query", (SQL, "postgres"), {"managed": True})
    assert pool.call(request, 5)
    (process,) = pool._idle
    os.kill(process._process.pid, signal.SIGKILL)
    process._process.wait()

    assert pool.call(request, 5)


def test_no_free_process_is_told_apart_from_a_slow_query(pool: ProcessPool) -> None:
    pool._seats.acquire()

    with pytest.raises(PoolBusyError):
        pool.call(("query", (SQL,), {}), 0.01)


def test_a_busy_pool_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ProcessPool(query_checks.MODULE, 1, MEMORY_BYTES)
    pool._seats.acquire()
    monkeypatch.setattr(query_checks, "get_pool", lambda: pool)

    with (
        override_settings(QUERY_CHECK_SECONDS=0.01),
        pytest.raises(UnavailableError, match="being checked"),
    ):
        managed.build_backend("org_a").query(SQL, 1)


def test_a_refusal_reaches_the_caller_with_its_reason() -> None:
    with pytest.raises(InvalidParametersError, match="nested too deeply"):
        managed.build_backend("org_a").query("SELECT " + "(" * 30 + "1" + ")" * 30, 1)


def test_a_child_sees_no_secret_of_the_service() -> None:
    assert not {name for name in isolated_process.ENVIRONMENT if "KEY" in name}
    assert not {"DATABASE_URL", "REDIS_URL"} & set(isolated_process.ENVIRONMENT)


def test_a_message_that_never_ends_meets_the_deadline() -> None:
    reading, writing = os.pipe()
    os.write(writing, messages.HEADER.pack(100) + b"only a part")
    started = time.monotonic()

    with pytest.raises(DeadlineError):
        messages.read_message(reading, time.monotonic() + 0.1, 1000)

    assert time.monotonic() - started < 1 * crowding()
    os.write(writing, messages.HEADER.pack(10**9))
    with pytest.raises(messages.BrokenMessageError):
        messages.read_message(reading, time.monotonic() + 0.1, 1000)
    os.close(reading)
    os.close(writing)
