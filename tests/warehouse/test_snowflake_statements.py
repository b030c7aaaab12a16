"""Snowflake's dialect on fakesnow: the text that runs returns the rows of the written one.

fakesnow reads both texts with sqlglot, so a function that sqlglot itself renames is not
proved here: the checked text keeps those names (grammar_snowflake.py).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fakesnow
import pytest
from snowflake import connector

from warehouse.sql.customer import check

# fakesnow reads its database in a way that its database advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Arrow output:UserWarning")

STATEMENTS = [
    line
    for line in Path(__file__)
    .with_name("snowflake_statements.sql")
    .read_text()
    .splitlines()
    if line and not line.startswith("--")
]
START_DATE = "'2026-01-01'::timestamp_ntz"
TABLES = (
    """CREATE TABLE events (id INT, user_id TEXT, name TEXT, amount NUMBER(10, 2),
    score FLOAT, ts TIMESTAMP_NTZ, day DATE, is_paid BOOLEAN, payload VARIANT,
    tags VARIANT, path TEXT)""",
    "CREATE TABLE users (user_id TEXT, country TEXT, created DATE, plan TEXT)",
    """INSERT INTO users VALUES ('u1', 'de', '2025-12-01', 'pro'),
    ('u2', 'fr', '2026-01-06', 'free'), ('u3', NULL, '2026-01-07', 'Pro+')""",
    """INSERT INTO events SELECT 1, 'u1', 'view', 1.5, 0.5,
    '2026-01-05 10:20:30'::timestamp_ntz, '2026-01-05'::date, FALSE,
    PARSE_JSON('{"plan": "pro", "Mixed": "M", "Odd Key": "o", "ms": 1767600000000,
      "at": "2026-01-05 10:00:00", "cart": {"total": 5, "items":
      [{"sku": "k", "Size": "L", "sizes": [1, 2]}, {"sku": "l", "sizes": []}]}}'),
    PARSE_JSON('["x", "y"]'), '/a/b1'""",
    """INSERT INTO events SELECT 2, 'u1', 'buy', 9.99, 2.5,
    '2026-01-05 10:40:00'::timestamp_ntz, '2026-01-05'::date, TRUE,
    PARSE_JSON('{"plan": "free", "mixed": "m", "cart": {"total": 7, "items": []}}'),
    PARSE_JSON('[]'), '/a_c/d'""",
    """INSERT INTO events SELECT 3, 'u2', 'view', 4, 7.25,
    '2026-01-06 23:59:30'::timestamp_ntz, '2026-01-06'::date, NULL,
    PARSE_JSON('{"plan": null, "plans": 1}'), PARSE_JSON('["z"]'), 'x'""",
    """INSERT INTO events SELECT 4, 'u2', 'buy', 20, 8.5,
    '2026-02-28 12:00:00'::timestamp_ntz, '2026-02-28'::date, TRUE, NULL, NULL,
    '/c/2'""",
    """INSERT INTO events SELECT 5, NULL, 'view', NULL, NULL,
    '2026-01-07 00:00:00'::timestamp_ntz, '2026-01-07'::date, FALSE, NULL, NULL,
    NULL""",
)


@pytest.fixture(scope="module")
def cursor() -> Iterator[Any]:
    """Open a fake Snowflake with the tables of the statements."""
    with fakesnow.patch():
        connection = connector.connect(
            database="db", schema="app", session_parameters={"TIMEZONE": "UTC"}
        )
        cursor = connection.cursor()
        for table in TABLES:
            cursor.execute(table)
        yield cursor


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_checked_text_returns_the_rows_of_the_written_one(
    cursor: Any, sql: str
) -> None:
    text = check.check_query(sql, "snowflake", schema="APP").text
    written = sql.rpartition(";")[0].rstrip(";").replace("@start_date", START_DATE)
    regenerated = text.replace("CAST(? AS TIMESTAMPTZ)", START_DATE)

    expected = cursor.execute(written).fetchall()
    actual = cursor.execute(regenerated).fetchall()

    assert sorted(map(repr, actual)) == sorted(map(repr, expected))
    assert actual


def test_at_least_150_statements_are_compared() -> None:
    assert len(set(STATEMENTS)) == len(STATEMENTS) >= 150
