"""On Postgres the text that runs returns what the text that was written returns."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support import equality
from tests.support.second_postgres import SecondServer
from warehouse.sql import RefusedError
from warehouse.sql.customer import check

START_DATE = "CAST('2026-01-01 00:00+00' AS timestamptz)"
STATEMENTS = equality.read_statements("postgres_statements.sql")


@pytest.fixture(scope="module")
def customer(
    second_postgres: SecondServer,
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Make the tables of the statements in a database of their own."""
    with second_postgres.owner() as owner:
        owner.execute("CREATE DATABASE equality")
    with second_postgres.owner("equality") as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute((equality.FOLDER / "postgres_tables.sql").read_text())
        yield connection
    with second_postgres.owner() as owner:
        owner.execute("DROP DATABASE equality")


@pytest.mark.parametrize("sql", STATEMENTS)
def test_both_texts_return_the_same(
    customer: psycopg.Connection[tuple[Any, ...]], sql: str
) -> None:
    checked = check.check_query(sql, managed=False, schema="app", database="equality")
    written = sql.replace("@start_date", START_DATE)
    regenerated = checked.text.replace("CAST($2 AS TIMESTAMPTZ)", START_DATE)
    in_order = "\nORDER BY" in sql

    with customer.transaction(), psycopg.RawCursor(customer) as cursor:
        expected = equality.run_statement(cursor, written, in_order=in_order)
        actual = equality.run_statement(cursor, regenerated, in_order=in_order)

    assert actual == expected
    assert expected.rows, "a statement without rows shows nothing"


def test_there_are_many_distinct_statements() -> None:
    assert len(set(STATEMENTS)) == len(STATEMENTS) >= 150


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x.upper FROM unnest(ARRAY['a']) AS x",
        "SELECT (x).upper FROM unnest(ARRAY['a']) AS x",
        "SELECT ('a'::text).upper",
        "SELECT (tags[1]).upper FROM app.users",
        "SELECT unnest.upper FROM unnest(ARRAY['a'])",
        "SELECT (SELECT x.upper) FROM unnest(ARRAY['a']) AS x",
        "SELECT upper.upper FROM jsonb_array_elements_text('[\"a\"]') AS upper",
        "SELECT x.value FROM unnest(ARRAY['a']) AS x",
    ],
)
def test_a_name_after_a_dot_calls_no_function(
    customer: psycopg.Connection[tuple[Any, ...]], sql: str
) -> None:
    """Postgres takes `x.upper` for `upper(x)`, and so would it `x.pg_sleep`."""
    text = check.check_query(sql, managed=False, schema="app").text
    customer.execute(
        "CREATE OR REPLACE FUNCTION value(text) RETURNS int AS 'SELECT 1' LANGUAGE sql"
    )

    with customer.transaction():
        assert customer.execute(sql).fetchall()
    with pytest.raises(psycopg.errors.Error), customer.transaction():
        customer.execute(text)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x.upper FROM regexp_match('a', 'a') AS x",
        "SELECT x.pg_sleep FROM generate_series(1, 2) AS x",
        "SELECT lower.pg_read_file FROM lower('/A')",
        "SELECT btrim.pg_read_file FROM trim('/A')",
        "SELECT t.id, (SELECT m.lo_unlink) FROM app.users t, LATERAL cardinality(t.tags) AS m",
        "SELECT pg_sleep.pg_sleep FROM round(3.0) AS pg_sleep(a)",
        "SELECT ts_stat.ts_stat FROM btrim('SELECT 1') AS ts_stat(a)",
        "SELECT x.value FROM abs(1) AS x(a)",
        "SELECT u.b FROM abs(1) AS pg_sleep(a), unnest(ARRAY[pg_sleep.pg_sleep]) AS u(b)",
        "SELECT 1 FROM app.users t JOIN abs(1) AS pg_sleep(a) ON pg_sleep.pg_sleep IS NULL",
        "SELECT 1 FROM abs(1) AS pg_sleep(a) GROUP BY pg_sleep.pg_sleep",
    ],
)
def test_an_unknown_column_of_a_function_in_from_is_refused(sql: str) -> None:
    """An alias with a list of columns is no column itself: `pg_sleep.pg_sleep` calls."""
    with pytest.raises(
        RefusedError, match=r"of a function in FROM is unknown|needs a name"
    ):
        check.check_query(sql, managed=False, schema="app")


def test_a_function_and_its_column_are_not_read_side_by_side() -> None:
    sql = "SELECT x, x.value FROM jsonb_array_elements('[1]') AS x"

    with pytest.raises(RefusedError, match="both read"):
        check.check_query(sql)
