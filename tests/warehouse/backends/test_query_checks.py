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
from warehouse.processes import child, isolated_process, messages
from warehouse.processes.messages import DeadlineError
from warehouse.processes.pool import PoolBusyError, ProcessPool
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.shapes import CheckedQuery

SQL = "SELECT anonymous_id FROM managed_dw.rewards"
# It takes a second of a processor.
LONG_CHAIN = f"SELECT 1{'+1' * 19_000} AS n"
REQUEST = ("query", (SQL, "postgres"), {"managed": True}, 60.0)
MEMORY_BYTES = 512 * 2**20


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    """Return a pool of one process."""
    pool = ProcessPool(query_checks.MODULE, 1, MEMORY_BYTES)
    yield pool
    pool.close()


def _check(sql: str = SQL) -> CheckedQuery:
    return query_checks.check_query(
        sql, "postgres", managed=True, schema=None, database=None
    )


def test_a_check_beyond_its_processor_time_is_refused_and_the_next_one_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(query_checks, "CLOCK_FACTOR", 10_000)

    with (
        override_settings(QUERY_CHECK_SECONDS=0.02),
        pytest.raises(RefusedError, match="too complex"),
    ):
        _check(LONG_CHAIN)

    assert _check().columns == ("anonymous_id",)
    assert _check(LONG_CHAIN).columns == ("n",)


def test_a_check_that_gets_no_processor_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch, pool: ProcessPool
) -> None:
    monkeypatch.setattr(query_checks, "get_pool", lambda: pool)
    pool.call(REQUEST, 60)
    (process,) = pool._idle
    os.kill(process._process.pid, signal.SIGSTOP)  # its processor's time stands still

    with (
        override_settings(QUERY_CHECK_SECONDS=0.001),
        pytest.raises(UnavailableError, match="too busy to check the query"),
    ):
        _check()

    assert _check().columns == ("anonymous_id",)


def test_only_the_processors_time_of_a_check_is_limited() -> None:
    with child.limit_processor_time(60):
        limit, _ = signal.getitimer(signal.ITIMER_PROF)
        by_the_clock = signal.getitimer(signal.ITIMER_REAL)

    assert 0 < limit < 61  # the kernel counts in ticks
    assert by_the_clock == (0.0, 0.0)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_a_killed_process_is_replaced(pool: ProcessPool) -> None:
    assert pool.call(REQUEST, 60)
    (process,) = pool._idle
    os.kill(process._process.pid, signal.SIGKILL)
    process._process.wait()

    assert pool.call(REQUEST, 60)


def test_no_free_process_is_told_apart_from_a_slow_query(pool: ProcessPool) -> None:
    pool._seats.acquire()

    with pytest.raises(PoolBusyError):
        pool.call(REQUEST, 60, wait_seconds=0.01)


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
