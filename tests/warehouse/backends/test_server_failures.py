"""Failures of the managed store's server reach members in our words, those of a query in its."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from levered_site.errors import UnavailableError
from tests.support import factories
from tests.support.factories import read_error
from tests.support.hostile_postgres import BLAME, NO_BLAME
from warehouse import partitions
from warehouse.backends import managed, server_failures
from warehouse.backends.errors import QueryFailedError, QueryStoppedError

pytestmark = pytest.mark.django_db(transaction=True)

REWARDS = "SELECT anonymous_id FROM managed_dw.rewards"
ENDLESS = (
    "SELECT count(*) FROM generate_series(1, 99999) AS a,"
    " generate_series(1, 99999) AS b, generate_series(1, 99999) AS c"
)
INSIDES = ("stack", "max_", "byte", 'file "', "/", "pg_", "parameter", "kB")


def _fail(sql: str) -> str:
    with pytest.raises(QueryFailedError) as failure:
        managed.build_backend("org_a").query(sql, 1)
    return failure.value.message


@override_settings(QUERY_CHECK_SECONDS=60)
def test_an_expression_that_is_too_deep_is_told_in_our_words() -> None:
    message = _fail(f"SELECT {'+'.join(['1'] * 19_000)} AS a")

    assert message == server_failures.TOO_DEEP
    assert not any(word in message for word in INSIDES)


def test_a_value_that_is_too_large_is_told_in_our_words() -> None:
    message = _fail(
        "SELECT string_agg(repeat('x', 1000), '') AS a"
        " FROM generate_series(1, 100000) AS n, generate_series(1, 12) AS m"
    )

    assert message == server_failures.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("code", "words"),
    [
        *(
            (code, server_failures.BUSY)
            for code in ("40001", "40P01", "53300", "55P03")
        ),
        *(
            (code, server_failures.BUSY)
            for code in ("57014", "25P02", "26000", "34000")
        ),
        *(
            (code, server_failures.AWAY)
            for code in ("57P01", "57P03", "08006", "08P01")
        ),
        *((code, server_failures.FAULT) for code in ("58P01", "58030", "F0000")),
        *((code, server_failures.FAULT) for code in ("XX001", "XX002")),
        ("53100", server_failures.DISK_FULL),
    ],
)
def test_a_code_that_blames_no_statement_is_the_stores_fault(
    code: str, words: str
) -> None:
    error = _raise_in_server(code, 'could not open file "/var/lib/postgresql/base/1"')

    failure = server_failures.build_failure(error)

    assert isinstance(failure, UnavailableError)
    assert (failure.message, failure.status) == (words, 503)
    assert failure.retry_after
    assert not any(word in failure.message for word in INSIDES)


def test_own_memory_is_a_limit_of_the_query_and_shared_memory_is_the_stores() -> None:
    own = server_failures.build_failure(_raise_in_server("53200", "out of memory"))
    shared = server_failures.build_failure(
        _raise_in_server("53200", "out of shared memory")
    )

    assert isinstance(own, QueryStoppedError)
    assert own.message == server_failures.OUT_OF_MEMORY
    assert isinstance(shared, UnavailableError)


@pytest.mark.parametrize(
    "state",
    [
        state.decode()
        for state in (*BLAME, *NO_BLAME)
        if state not in {b"00000", b"XX000"}  # no error; see the next test
    ],
)
def test_the_store_and_a_connected_server_blame_by_one_table(state: str) -> None:
    error = _raise_in_server(state, "no")

    failure = server_failures.build_failure(error)

    assert isinstance(failure, QueryFailedError) == (state.encode() in BLAME)


def test_a_bug_that_one_query_meets_is_no_reason_to_try_it_again() -> None:
    failure = server_failures.build_failure(_raise_in_server("XX000", "no such plan"))

    assert isinstance(failure, QueryFailedError)
    assert failure.message == server_failures.FAULT


def test_a_query_that_waits_too_long_for_a_lock_is_answered_503() -> None:
    partitions.ensure_partitions("managed_rewards", [timezone.now().date()])
    bob = factories.make_member_api(factories.make_organization())
    with _limit_lock_waits(), psycopg.connect(**_connect_arguments()) as other:
        other.execute("LOCK TABLE managed_rewards IN ACCESS EXCLUSIVE MODE")
        answer = bob.post("/warehouse/query", {"sql": REWARDS})

    _assert_busy(answer)


def test_a_query_that_somebody_else_cancels_is_answered_503() -> None:
    bob = factories.make_member_api(factories.make_organization())
    with ThreadPoolExecutor(1) as pool:
        cancelled = pool.submit(_cancel_first_statement)
        answer = bob.post("/warehouse/query", {"sql": ENDLESS})
        assert cancelled.result()

    _assert_busy(answer)


@override_settings(QUERY_TIMEOUT_SECONDS=1)
def test_a_query_that_meets_its_own_timeout_is_answered_400() -> None:
    bob = factories.make_member_api(factories.make_organization())

    answer = bob.post("/warehouse/query", {"sql": ENDLESS})

    assert answer.status_code == 400
    assert "longer than 1 s" in read_error(answer)["message"]


def _assert_busy(answer: Any) -> None:
    error = read_error(answer)
    assert (answer.status_code, error["code"]) == (503, "unavailable")
    assert answer["Retry-After"] == str(server_failures.RETRY_SECONDS)
    assert error["message"] == server_failures.BUSY


@contextmanager
def _limit_lock_waits() -> Iterator[None]:
    """Let new sessions of the database give up a lock after 0.1 s."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET lock_timeout = '100ms'")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET lock_timeout")


def _cancel_first_statement() -> bool:
    """Cancel the statement of the managed store's reader as an operator would."""
    with psycopg.connect(**_connect_arguments(), autocommit=True) as operator:
        for _ in range(100):
            found = operator.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                " WHERE state = 'active' AND query ILIKE '%generate_series(1, 99999)%'"
                " AND pid <> pg_backend_pid()"
            ).fetchall()
            if found:
                return True
            time.sleep(0.1)
    return False


def _connect_arguments() -> dict[str, Any]:
    arguments = connection.get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):
        arguments.pop(name, None)
    return arguments


def test_what_the_server_says_of_a_query_is_passed_on() -> None:
    messages = [
        _fail(
            "SELECT 1 / (value * 0) AS a FROM managed_dw.rewards, (VALUES (0)) AS v"
            " UNION ALL SELECT 1 / 0"
        ),
        _fail("SELECT upper(1) AS a"),
        _fail("SELECT\n CAST(lower('x') AS int) AS a"),
    ]

    assert messages[0] == "division by zero"
    assert messages[1].startswith("function upper(integer) does not exist. No function")
    assert messages[2] == 'invalid input syntax for type integer: "x"'


def _raise_in_server(code: str, message: str) -> psycopg.Error:
    """Return the error that Postgres itself sends for a code."""
    with connection.cursor() as cursor, pytest.raises(Exception) as failure:  # noqa: PT011 - of any class
        cursor.execute(
            f"DO $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{code}'; END $$"
        )
    error = failure.value.__cause__ or failure.value
    assert isinstance(error, psycopg.Error)
    return error
