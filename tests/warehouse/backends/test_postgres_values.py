"""Values of a connected Postgres: as it prints them, also those that Python has not."""

import pytest

from warehouse.backends.postgres import PostgresBackend


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (
            "CAST('1234567890123456.123456789' AS numeric(38,9))",
            "1234567890123456.123456789",
        ),
        ("CAST(1.5 AS numeric(38,9))", "1.500000000"),
        ("CAST('NaN' AS numeric)", "NaN"),
        ("CAST(0.1 AS double precision)", 0.1),
        ("CAST('-Infinity' AS double precision)", "-Infinity"),
        ("CAST('infinity' AS timestamptz)", "infinity"),
        ("CAST('-infinity' AS timestamp)", "-infinity"),
        ("CAST('infinity' AS date)", "infinity"),
        ("CAST('0044-03-15 12:00+00 BC' AS timestamptz)", "0044-03-15 12:00:00+00 BC"),
        ("CAST('12026-01-01' AS timestamp)", "12026-01-01 00:00:00"),
        ("CAST('2026-03-02 10:00+02' AS timestamptz)", "2026-03-02T08:00:00Z"),
        ("CAST('2026-03-02' AS date)", "2026-03-02"),
        ("CAST('1 month 2 days' AS interval)", "1 mon 2 days"),
        ("CAST(7 AS bigint)", 7),
        ("true", True),
        ("NULL", None),
    ],
)
def test_a_value_is_shown_as_postgres_prints_it(
    acme: PostgresBackend, expression: str, value: object
) -> None:
    result = acme.query(f"SELECT {expression} AS a", 1)

    assert result.rows == ((value,),)


def test_ranges_lists_and_times_are_shown_as_postgres_prints_it(
    acme: PostgresBackend,
) -> None:
    with acme._open_session(10) as session:
        result = session.fetch_first_rows(
            "SELECT tstzrange('2026-03-02', NULL) AS a, ARRAY[1.50] AS b,"
            " CAST('24:00' AS time) AS c WHERE $1",
            (True,),
            1,
        )

    assert result.columns == ("a", "b", "c")
    assert result.rows == [('["2026-03-02 00:00:00+00",)', ["1.50"], "24:00:00")]
