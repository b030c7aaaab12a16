"""Values of a connected Postgres: as it prints them, also those that Python has not."""

import pytest

from warehouse.backends import managed
from warehouse.backends.postgres import PostgresBackend

JSON_NUMBERS = """{"a": 0.12345678901234567890123, "b": 1.10, "c": 123456789012345678901,
 "d": [0.1, -2.5e-3, 1.0], "e": 9007199254740993.5, "f": 4.9e-324}"""
EXACT_NUMBERS = {
    "a": "0.12345678901234567890123",
    "b": 1.1,
    "c": "123456789012345678901",
    "d": [0.1, -0.0025, 1.0],
    "e": "9007199254740993.5",
}


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


def test_numbers_in_json_that_a_double_would_shorten_are_texts(
    acme: PostgresBackend,
) -> None:
    sql = f"SELECT CAST('{JSON_NUMBERS}' AS jsonb) AS a"

    [[connected]] = acme.query(sql, 1).rows
    [[of_managed]] = managed.build_backend("org_a").query(sql, 1).rows

    assert isinstance(connected, dict)
    smallest = connected.pop("f")
    assert connected == EXACT_NUMBERS
    assert float(smallest) == 5e-324
    assert isinstance(of_managed, dict)
    assert of_managed == EXACT_NUMBERS | {"f": smallest}


@pytest.mark.parametrize("printed", ["1e-400", "1e-99999999999999999999"])
def test_a_number_in_json_too_small_for_a_double_is_a_text(
    acme: PostgresBackend, printed: str
) -> None:
    [[value]] = acme.query(f"SELECT CAST('{printed}' AS json) AS a", 1).rows

    assert value == printed


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
