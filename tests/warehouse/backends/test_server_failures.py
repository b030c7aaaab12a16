"""Failures of the managed store's server reach members in our words, those of a query in its."""

import psycopg
import pytest
from django.db import connection

from warehouse.backends import managed, server_failures
from warehouse.backends.errors import QueryFailedError, QueryStoppedError

pytestmark = pytest.mark.django_db(transaction=True)

INSIDES = ("stack", "max_", "byte", 'file "', "/", "pg_", "parameter", "kB")


def _fail(sql: str) -> str:
    with pytest.raises(QueryFailedError) as failure:
        managed.build_backend("org_a").query(sql, 1)
    return failure.value.message


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
        ("53100", server_failures.DISK_FULL),
        ("53200", server_failures.OUT_OF_MEMORY),
        ("53300", server_failures.BUSY),
        ("40P01", server_failures.BUSY),
        ("55P03", server_failures.BUSY),
        ("58P01", server_failures.FAULT),
        ("58030", server_failures.FAULT),
        ("XX000", server_failures.FAULT),
        ("XX001", server_failures.FAULT),
        ("F0000", server_failures.FAULT),
    ],
)
def test_what_the_server_says_of_itself_is_not_passed_on(code: str, words: str) -> None:
    error = _raise_in_server(code, 'could not open file "/var/lib/postgresql/base/1"')

    failure = server_failures.build_failure(error)

    assert failure.message == words
    assert isinstance(failure, QueryStoppedError) == (code in {"53100", "53200"})


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
