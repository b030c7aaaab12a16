# ruff: noqa: S608 - the texts of the tests are their own
"""No amount of time loses its unit, which sqlglot would take for the name of a column."""

import pytest
from django.db import connection

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

DIALECTS = ("postgres", "snowflake", "bigquery")


def _refuse(sql: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize(
    ("dialect", "written", "problem", "remedy"),
    [
        ("postgres", "INTERVAL 1 WEEK", "INTERVAL 1 WEEK needs quotes", "INTERVAL '1 week'"),
        ("postgres", "interval 2 quarter", "INTERVAL 2 QUARTER needs quotes", "INTERVAL '6 months'"),
        ("postgres", "INTERVAL 1.5 HOURS", "INTERVAL 1.5 HOURS needs quotes", "INTERVAL '1.5 hours'"),
        ("postgres", "INTERVAL -1 DAY", "INTERVAL -1 DAY needs quotes", "INTERVAL '-1 day'"),
        ("postgres", "INTERVAL 7", "INTERVAL 7 has no unit", "INTERVAL '7 days'"),
        ("postgres", "INTERVAL '1' WEEK", "The word WEEK behind INTERVAL '1' is no part of it", "INTERVAL '1 week'"),
        ("postgres", "INTERVAL '7' days", "The word days behind INTERVAL '7' is no part of it", "INTERVAL '7 days'"),
        ("postgres", "INTERVAL n DAY", "INTERVAL needs a text in quotes", "n * INTERVAL '1 day'"),
        ("snowflake", "INTERVAL 1 WEEK", "INTERVAL 1 WEEK needs quotes", "INTERVAL '1 week'"),
        ("snowflake", "INTERVAL 7", "INTERVAL 7 has no unit", "INTERVAL '7 days'"),
        ("snowflake", "INTERVAL n DAY", "INTERVAL needs a text in quotes", "DATEADD(day, n, time)"),
        ("snowflake", "INTERVAL (n + 1) DAYS", "INTERVAL needs a text in quotes", "DATEADD(day, n, time)"),
        ("bigquery", "INTERVAL 7", "INTERVAL 7 has no unit of time behind it", "INTERVAL 7 DAY"),
        ("bigquery", "INTERVAL '7'", "INTERVAL 7 has no unit of time behind it", "INTERVAL 7 DAY"),
        ("bigquery", "INTERVAL 1 fortnight", "INTERVAL 1 has no unit of time behind it", "INTERVAL 1 DAY"),
    ],
)  # fmt: skip
def test_an_interval_that_the_dialect_does_not_read_is_refused(
    dialect: str, written: str, problem: str, remedy: str
) -> None:
    sql = "SELECT time,\n time - {} AS past FROM t"

    assert (
        _refuse(sql.format(written), dialect) == f"{problem} (line 2): write {remedy}."
    )
    advised = sql.replace(
        "time - {}", remedy if "DATEADD" in remedy else f"time - {remedy}"
    )
    assert check.check_query(advised, dialect, managed=False, schema="app").text


@pytest.mark.parametrize(
    ("dialect", "remedy"),
    [
        ("postgres", "INTERVAL '2 months'"),
        ("snowflake", "INTERVAL '2 months'"),
        ("bigquery", "INTERVAL 2 MONTH"),
    ],
)
@pytest.mark.parametrize(
    "clause", ["SELECT a,\n{} FROM t", "SELECT a FROM t WHERE b >\n{}"]
)
@pytest.mark.parametrize(
    ("before", "sign"),
    [("DATE '2026-01-01'", "+"), ("CURRENT_DATE", "-"), ("@start_date", "+")],
)
def test_a_unit_behind_a_sum_is_no_name(
    dialect: str, remedy: str, clause: str, before: str, sign: str
) -> None:
    sql = clause.format(f"{before} {sign} 2 month")

    assert _refuse(sql, dialect) == (
        f"The word month behind {sign} 2 reads as a name (line 2): write {sign} {remedy} for"
        " a time, or AS month for a name."
    )
    advised = clause.format(f"{before} {sign} {remedy}")
    assert check.check_query(advised, dialect, managed=False, schema="app").text


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("postgres", "a - INTERVAL '1' DAY week, INTERVAL '1 year 2 days' weeks, a + 2 AS month"),
        ("postgres", "INTERVAL '04:05' HOUR TO MINUTE, interval, t.interval - 7, a + 2 total"),
        ("postgres", "'7 days'::interval, a - interval '7', CAST(a AS interval)"),
        ("snowflake", "a - INTERVAL '1 week', a + INTERVAL '1 year, 2 days', -2 week, a + 2 AS week"),
        ("bigquery", "DATE_ADD(a, INTERVAL n + 1 DAY), a + INTERVAL 2 * n WEEK, INTERVAL -1 DAY"),
        ("bigquery", "a - INTERVAL 1 WEEK, INTERVAL '1-2' YEAR TO MONTH, INTERVAL (n) QUARTER"),
    ],
)  # fmt: skip
def test_a_time_that_the_dialect_reads_is_accepted(dialect: str, value: str) -> None:
    sql = f"SELECT {value} FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "meant"),
    [("1 WEEK", "7 days"), ("2 QUARTER", "6 months"), ("3 isoweeks", "21 days")],
)
def test_the_remedy_means_what_was_written(written: str, meant: str) -> None:
    remedy = _refuse(f"SELECT INTERVAL {written}", "postgres").partition(": write ")[2]

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {remedy.removesuffix('.')} = INTERVAL '{meant}' AS is_equal"
        )
        assert cursor.fetchone() == (True,)
