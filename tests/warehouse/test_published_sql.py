"""The text that runs returns the rows of the text that the customer wrote."""

from collections.abc import Iterator
from typing import Any

import fakesnow
import psycopg
import pytest
from snowflake import connector

from tests.support import published_sql
from tests.support.second_postgres import SecondServer
from warehouse.sql.customer import check

START_DATE = "CAST('2026-01-01 00:00+00' AS timestamptz)"
TABLES = """
CREATE SCHEMA app;
CREATE TYPE app.status AS ENUM ('paid', 'open');
CREATE DOMAIN app.code AS text CHECK (VALUE <> '');
CREATE TABLE app.t (
  id int, b text, n int, m double precision, path text, tags text[], s app.status,
  p jsonb, items jsonb, ts timestamptz);
INSERT INTO app.t VALUES
  (1, 'a', 1, 1.5, 'x/y', '{x,y}', 'paid', '{"cart": {"total": "5"}}',
   '[{"sku": "k", "qty": 2}, {"sku": "l"}]', '2026-01-05 10:20:30+00'),
  (2, 'bx', 2, 4.5, 'z', '{}', 'open', '{}', '[]', '2026-01-06 23:59:59+00'),
  (3, 'c', 7, 0.5, NULL, NULL, NULL, NULL, NULL, '2026-02-07 00:00+00');
"""


SNOWFLAKE_TABLES = (
    """CREATE TABLE t (id INT, b TEXT, n INT, m FLOAT, ts TIMESTAMP_NTZ, p VARIANT,
    items VARIANT)""",
    """INSERT INTO t SELECT 1, 'a', 1, 1.5, '2026-01-05 10:20:30'::timestamp_ntz,
    PARSE_JSON('{"list": [1]}'), PARSE_JSON('[{"sku": "k"}]')""",
    """INSERT INTO t SELECT 2, 'b', 4, 0.5, '2026-02-05 23:59:30'::timestamp_ntz,
    PARSE_JSON('{"list": []}'), PARSE_JSON('[{"sku": "l"}, {"sku": "m"}]')""",
)


@pytest.fixture(scope="module")
def tables(
    second_postgres: SecondServer,
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Make the tables of the statements in a database of their own."""
    with second_postgres.owner() as owner:
        owner.execute("CREATE DATABASE shop")
    with second_postgres.owner("shop") as shop:
        shop.execute("SET TIME ZONE 'UTC'")
        shop.execute(TABLES)
        yield shop
    with second_postgres.owner() as owner:
        owner.execute("DROP DATABASE shop")


def describe_columns(cursor: psycopg.Cursor[Any]) -> list[tuple[str, int]]:
    """Return names and types of the columns of a result."""
    return [(column.name, column.type_code) for column in cursor.description or ()]


@pytest.mark.parametrize("sql", published_sql.POSTGRES)
def test_postgres_returns_the_same_rows(
    tables: psycopg.Connection[tuple[Any, ...]], sql: str
) -> None:
    text = check.check_query(sql, managed=False, schema="app", database="shop").text
    written = sql.removeprefix("\ufeff").replace("@start_date", START_DATE)
    regenerated = text.replace("CAST($2 AS TIMESTAMPTZ)", START_DATE)

    expected = tables.execute(written)
    actual = tables.execute(regenerated)

    assert describe_columns(actual) == describe_columns(expected)
    assert sorted(map(repr, actual)) == sorted(map(repr, expected))


@pytest.fixture(scope="module")
def snowflake_cursor() -> Iterator[Any]:
    """Make the tables of the statements in a fake Snowflake."""
    with fakesnow.patch():
        cursor = connector.connect(database="db", schema="app").cursor()
        for statement in SNOWFLAKE_TABLES:
            cursor.execute(statement)
        yield cursor


@pytest.mark.filterwarnings("ignore:Arrow output:UserWarning")
@pytest.mark.parametrize(
    "sql",
    [
        sql
        for sql in published_sql.SNOWFLAKE
        if not any(word in sql for word in published_sql.UNKNOWN_TO_FAKESNOW)
    ],
)
def test_snowflake_returns_the_same_rows(snowflake_cursor: Any, sql: str) -> None:
    text = check.check_query(sql, "snowflake", schema="APP").text
    start_date = "'2026-01-01'::timestamp_ntz"
    written = sql.partition(";")[0].replace("@start_date", start_date)
    regenerated = text.replace("CAST(? AS TIMESTAMPTZ)", start_date)

    expected = snowflake_cursor.execute(written).fetchall()
    actual = snowflake_cursor.execute(regenerated).fetchall()

    assert sorted(map(repr, actual)) == sorted(map(repr, expected))
    assert actual
