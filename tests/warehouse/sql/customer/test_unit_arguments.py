# ruff: noqa: S608 - the texts of the tests are their own
"""Functions of time in another dialect's order of arguments are refused with the right one."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check


@pytest.mark.parametrize(
    ("dialect", "written", "right"),
    [
        ("bigquery", "DATE_TRUNC('day', ts)", "DATE_TRUNC(ts, DAY)"),
        ("bigquery", "DATE_TRUNC('DAY', ts)", "DATE_TRUNC(ts, DAY)"),
        ("bigquery", "DATE_TRUNC(day, ts)", "DATE_TRUNC(ts, DAY)"),
        ("bigquery", "DATE_TRUNC(WEEK(MONDAY), ts)", "DATE_TRUNC(ts, WEEK(MONDAY))"),
        ("bigquery", "DATE_DIFF('day', a, b)", "DATE_DIFF(end, start, DAY)"),
        ("bigquery", "date_diff(DAY, a, b)", "date_diff(end, start, DAY)"),
        ("bigquery", "TIMESTAMP_DIFF(HOUR, a, b)", "TIMESTAMP_DIFF(end, start, HOUR)"),
        ("bigquery", "TIMESTAMP_TRUNC(HOUR, a)", "TIMESTAMP_TRUNC(a, HOUR)"),
        ("bigquery", "DATETIME_TRUNC('HOUR', a)", "DATETIME_TRUNC(a, HOUR)"),
        ("bigquery", "LAST_DAY('month', a)", "LAST_DAY(a, MONTH)"),
        ("snowflake", "DATE_TRUNC(ts, DAY)", "DATE_TRUNC('DAY', ts)"),
        ("snowflake", "DATE_TRUNC(t.ts, 'day')", "DATE_TRUNC('DAY', t.ts)"),
        ("snowflake", "DATEDIFF(a, b, day)", "DATEDIFF(DAY, start, end)"),
        ("snowflake", "DATEDIFF(a::date, b, day)", "DATEDIFF(DAY, start, end)"),
        ("snowflake", "DATEDIFF(f(a), b, WEEK(MONDAY))", "DATEDIFF(WEEK, start, end)"),
        ("snowflake", "DATEADD(a, 1, day)", "DATEADD(DAY, n, time)"),
        ("snowflake", "TIMESTAMPDIFF(a, b, day)", "TIMESTAMPDIFF(DAY, start, end)"),
        ("snowflake", "DATE_PART(ts, day)", "DATE_PART(DAY, ts)"),
        ("snowflake", "LAST_DAY(month, ts)", "LAST_DAY(ts, 'MONTH')"),
        ("snowflake", "TIME_SLICE('HOUR', 4, ts)", "TIME_SLICE(time, n, 'HOUR')"),
        ("postgres", "DATE_TRUNC(ts, DAY)", "date_trunc('day', ts)"),
        ("postgres", "date_trunc(ts, 'day')", "date_trunc('day', ts)"),
        ("postgres", "date_trunc(month, ts)", "date_trunc('month', ts)"),
        ("postgres", "DATE_PART(day, ts)", "DATE_PART('day', ts)"),
        ("postgres", "EXTRACT(ts FROM day)", "EXTRACT(DAY FROM time)"),
    ],
)
def test_a_unit_at_a_wrong_place_is_refused_with_the_right_order(
    dialect: str, written: str, right: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(
            f"SELECT a,\n {written} FROM t", dialect, managed=False, schema="app"
        )

    name = written.split("(", maxsplit=1)[0]
    assert refusal.value.reason == (
        f"The unit of time is at a wrong place in {name} (line 2): write {right}."
    )


@pytest.mark.parametrize(
    "call",
    ["DATEADD(WEEK(MONDAY), 1, ts)", "DATE_TRUNC(WEEK(MONDAY), ts)", "LAST_DAY(ts, WEEK(MONDAY))"],
)  # fmt: skip
def test_snowflake_has_no_first_day_of_a_week(call: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(f"SELECT a,\n {call} FROM t", "snowflake", schema="app")

    assert refusal.value.reason == (
        "The unit WEEK(MONDAY) is not allowed (line 2): write WEEK, whose weeks begin on"
        " Monday, instead."
    )


def test_a_difference_without_a_unit_is_refused_on_bigquery() -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(
            "SELECT DATE_DIFF(a, b) FROM app.t", "bigquery", managed=False
        )

    assert refusal.value.reason == (
        "The unit of time is missing in DATE_DIFF (line 1): write DATE_DIFF(end, start,"
        " DAY)."
    )


@pytest.mark.parametrize(
    ("dialect", "written"),
    [
        ("bigquery", "DATE_TRUNC(day, ISOYEAR), DATE_DIFF(day, month, WEEK(MONDAY))"),
        (
            "bigquery",
            "EXTRACT(DAYOFWEEK FROM day), LAST_DAY(month), LAST_DAY(day, month)",
        ),
        ("snowflake", "DATE_TRUNC('w', day), DATEDIFF(dd, month, day), LAST_DAY(day)"),
        ("snowflake", "DATE_PART(epoch_second, day), TIME_SLICE(day, 4, 'hours')"),
        ("snowflake", "TRUNC(day, 'month'), DATE_PART(dow, day), DATE_TRUNC(day, day)"),
        ("postgres", "date_trunc('week', day), date_part('epoch', day)"),
        ("postgres", "date_trunc(unit, ts), date_trunc(unit, t.day)"),
        ("postgres", 'extract(isodow FROM day), date_trunc("day", ts)'),
    ],
)
def test_a_column_named_like_a_unit_may_be_the_time(dialect: str, written: str) -> None:
    sql = f"SELECT {written} FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text
