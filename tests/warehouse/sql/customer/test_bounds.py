"""A refusal of a size says the limit that the call does not keep."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

NEVER = (
    "The series never ends (line 2): its step is 0. Write a step of 1 or more, or of an"
    " hour or more."
)
YEARS = (
    "The series reaches too far (line 2): write dates of the years 1900 to 2099, not"
)
OFFSET = (
    "The series reaches too far (line 2): add at most 9 years, or 999 of a smaller unit,"
    " to a time."
)


def _refuse(sql: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ("1, 10, 0", NEVER),
        ("date '2026-01-01', date '2026-02-01', interval '0 hours'", NEVER),
        (
            "date '2026-01-01', date '9999-01-01', interval '1 hour'",
            f"{YEARS} 9999-01-01.",
        ),
        ("timestamp '0800-01-01', now(), interval '1 day'", f"{YEARS} 0800-01-01."),
        ("now(), now() + interval '99 years', interval '1 day'", OFFSET),
        ("now(), now() + interval '5000 days', interval '1 day'", OFFSET),
    ],
)
def test_a_series_is_refused_for_what_is_wrong_with_it(ends: str, reason: str) -> None:
    assert (
        _refuse(f"SELECT g FROM\n generate_series({ends}) AS g", "postgres") == reason
    )


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ("GENERATE_ARRAY(1, 10, 0)", NEVER),
        (
            "GENERATE_DATE_ARRAY('2026-01-01', '9999-01-01', INTERVAL 1 DAY)",
            f"{YEARS} 9999-01-01.",
        ),
        ("GENERATE_DATE_ARRAY('2026-01-01', '2026-02-01', INTERVAL 0 DAY)", NEVER),
    ],
)
def test_a_series_of_bigquery_is_refused_for_what_is_wrong_with_it(
    series: str, reason: str
) -> None:
    assert _refuse(f"SELECT\n {series}", "bigquery") == reason


@pytest.mark.parametrize("dialect", ["postgres", "bigquery"])
@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("lpad('x', 1001)", "The length of a filled-up text is 1,001 (line 2): write at most 1,000."),
        ("repeat('x', 9000)", "The number of repetitions is 9,000 (line 2): write at most 1,000."),
        ("repeat('x', 10000000000)", "The number of repetitions is 10,000,000,000 (line 2): write at most 1,000."),
        ("repeat('x', n)", "The number of repetitions must be written out (line 2): write at most 1,000."),
    ],
)  # fmt: skip
def test_a_size_that_is_written_out_is_refused_with_the_limit(
    dialect: str, call: str, reason: str
) -> None:
    assert _refuse(f"SELECT\n {call} FROM t", dialect) == reason


def test_a_size_within_its_limit_is_accepted() -> None:
    sql = (
        "SELECT lpad('x', 1000), repeat('x', 1000) FROM app.t, generate_series(date"
        " '1900-01-01', date '2099-12-31', interval '9 hours') AS g"
    )

    assert check.check_query(sql, managed=False).text
