# ruff: noqa: S608 - the texts of the tests are their own
"""Postgres' ways to write times, which BigQuery does not read: refused with its own."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

BETWEEN = "TIMESTAMP_DIFF(CAST({} AS TIMESTAMP), CAST({} AS TIMESTAMP), MICROSECOND) / 1000000"
ZONE = "DATETIME({0}, {1}), or TIMESTAMP({0}, {1}) where it is a DATETIME of that zone,"


def _refuse(value: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(f"SELECT 1,\n{value} FROM ds.t", "bigquery", managed=False)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("EPOCH FROM ts", "write UNIX_SECONDS(CAST(ts AS TIMESTAMP))"),
        ("epoch FROM (a - b)", f"write {BETWEEN.format('a', 'b')}"),
        ("EPOCH FROM max(a) - b", f"write {BETWEEN.format('MAX(a)', 'b')}"),
        ("EPOCH FROM a - INTERVAL 1 DAY", "write UNIX_SECONDS(CAST(time AS TIMESTAMP))"),
        ("DOW FROM d", "write EXTRACT(DAYOFWEEK FROM d) - 1"),
        ("DOY FROM d", "write EXTRACT(DAYOFYEAR FROM d)"),
        ("CENTURY FROM d", "use another unit"),
    ],
)  # fmt: skip
def test_a_unit_of_postgres_is_refused_with_bigquerys(
    written: str, advice: str
) -> None:
    unit = written.split(" ", maxsplit=1)[0].upper()

    assert _refuse(f"EXTRACT({written})") == (
        f"BigQuery has no unit {unit} in EXTRACT (line 2): {advice}."
    )


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("date_trunc('week', d)", "date_trunc(d, ISOWEEK)"),
        ("date_trunc('month', m)", "date_trunc(m, MONTH)"),
        ("TIMESTAMP_TRUNC('hour', h)", "TIMESTAMP_TRUNC(h, HOUR)"),
        ("DATE_DIFF('day', a, d)", "DATE_DIFF(end, start, DAY)"),
    ],
)
def test_a_column_with_the_short_name_of_a_unit_is_no_unit(
    written: str, right: str
) -> None:
    name = written.partition("(")[0]

    assert _refuse(written) == (
        f"The unit of time is at a wrong place in {name} (line 2): write {right}."
    )


def test_columns_with_short_names_of_units_are_read() -> None:
    sql = "SELECT DATE_TRUNC(d, WEEK), DATE_DIFF('2026-01-02', d, DAY) FROM ds.t"

    assert check.check_query(sql, "bigquery", managed=False).text == (
        "SELECT DATE_TRUNC(`d`, WEEK), DATE_DIFF('2026-01-02', `d`, DAY) FROM `ds`.`t`"
    )


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("ts AT TIME ZONE 'UTC'", ZONE.format("ts", "'UTC'")),
        ("DATE(ts AT TIME ZONE zone)", ZONE.format("ts", "zone")),
        ("a AT TIME ZONE 'UTC' AT TIME ZONE b", ZONE.format("a", "'UTC'")),
    ],
)
def test_a_time_zone_behind_a_time_is_refused(written: str, advice: str) -> None:
    """sqlglot would take every value for a TIMESTAMP."""
    assert _refuse(written) == (
        f"The operator AT TIME ZONE is not allowed (line 2): write {advice} instead."
    )


@pytest.mark.parametrize(
    "value",
    [
        "EXTRACT(HOUR FROM ts AT TIME ZONE 'Europe/Berlin')",
        "CAST(ts AS STRING FORMAT 'YYYY' AT TIME ZONE 'UTC')",
        "EXTRACT(ISOYEAR FROM d)",
        "EXTRACT(WEEK(MONDAY) FROM d)",
    ],
)
def test_what_bigquery_reads_is_accepted(value: str) -> None:
    sql = f"SELECT {value} FROM ds.t"

    assert check.check_query(sql, "bigquery", managed=False).text
