"""Nesting is limited before parsing: what is let through is parsed in a moment."""

import time
from contextlib import suppress

import pytest

from tests.support.running_service import crowding
from warehouse.sql.customer import check
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.text_limits import MAX_QUERY_LENGTH

DIALECTS = ("postgres", "snowflake", "bigquery")
SECONDS = 3.0  # nests were measured at most at half of it
READ_AGAIN = ("array and parenthesis", "nested type", "type", "not in limit", "struct")

# Opening, innermost and closing part; n openings and closings around the innermost.
NESTS = {
    "array": ("ARRAY[", "1", "]"),
    "bracket": ("[", "1", "]"),
    "subscript in a subscript": ("a[", "1", "]"),
    "subscript after a subscript": ("", "a", "[1]"),
    "array and parenthesis": ("ARRAY[(", "1", ")]"),
    "parenthesis and array": ("([", "1", "])"),
    "brace": ("{'a': ", "1", "}"),
    "map": ("MAP {1: ", "1", "}"),
    "parenthesis": ("(", "1", ")"),
    "struct": ("STRUCT(", "1", ")"),
    "row": ("ROW(", "1", ")"),
    "type": ("decimal(", "1", ")"),
    "nested type": ("ARRAY<STRUCT<", "INT64", ">>[1]"),
    "cast": ("CAST(", "1", " AS decimal(1))"),
    "double colon": ("", "1", "::decimal(1)"),
    "function": ("lower(", "x", ")"),
    "unknown function": ("foo(", "x", ")"),
    "case": ("CASE WHEN ", "true", " THEN 1 END"),
    "case with operand": ("CASE ", "1", " WHEN 1 THEN 1 END"),
    "case in else": ("CASE WHEN true THEN 1 ELSE ", "1", " END"),
    "subquery": ("(SELECT ", "1", ")"),
    "subquery in from": ("(SELECT * FROM ", "t", ") AS q"),
    "subquery in limit": ("(SELECT 1 LIMIT ", "1", ")"),
    "not in limit": ("(SELECT 1 LIMIT NOT ", "1", ")"),
    "exists": ("EXISTS (SELECT 1 WHERE ", "true", ")"),
    "in": ("1 IN (", "1", ")"),
    "window": ("sum(1) OVER (ORDER BY ", "1", ")"),
    "within group": ("mode() WITHIN GROUP (ORDER BY ", "1", ")"),
    "extract": ("EXTRACT(year FROM ", "x", ")"),
    "trim": ("TRIM(BOTH 'x' FROM ", "x", ")"),
    "lambda": ("f(x -> ", "1", ")"),
    "join": ("(t JOIN ", "t", " ON true)"),
    "with": ("WITH a AS (SELECT ", "1", ") SELECT 1"),
    "not": ("NOT ", "true", ""),
    "minus": ("- ", "1", ""),
    "tilde": ("~ ", "1", ""),
    "interval": ("INTERVAL ", "'1 day'", ""),
    "date": ("DATE ", "'2026-03-02'", ""),
    "time zone": ("", "x", " AT TIME ZONE 'x'"),
    "plus": ("1 + ", "1", ""),
    "concatenation": ("x || ", "x", ""),
    "and": ("x AND ", "x", ""),
    "arrow": ("", "x", " -> 'a'"),
    "colon": ("", "x", ":a[0]"),
    "dot": ("a.", "a", ""),
    "between": ("1 BETWEEN ", "1", " AND 1"),
    "json function": ("json_object(", "x", ", y)"),
    "json constructor": ("JSON_OBJECT(", "x", ": JSON_ARRAY(1))"),
    "union": ("", "1", " UNION ALL SELECT 1"),
    "comment": ("/*", "1", "*/"),
    "dollar": ("$a", "1", ""),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("nest", NESTS)
def test_any_nest_is_refused_or_parsed_in_a_moment(nest: str, dialect: str) -> None:
    opening, innermost, closing = NESTS[nest]
    for depth in (4, 8, 12, 16, 24, 200):
        sql = f"SELECT {opening * depth}{innermost}{closing * depth}"
        if len(sql) > MAX_QUERY_LENGTH:
            break
        _require_quick(sql, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("nest", READ_AGAIN)
def test_many_nests_of_the_deepest_kind_are_quick(nest: str, dialect: str) -> None:
    opening, innermost, closing = NESTS[nest]
    for depth in (3, 5, 23):
        nested = f"{opening * depth}{innermost}{closing * depth}"
        times = (MAX_QUERY_LENGTH - 10) // (len(nested) + 2)
        _require_quick("SELECT " + ", ".join([nested] * times), dialect)


def _require_quick(sql: str, dialect: str) -> None:
    started = time.monotonic()
    with suppress(RefusedError):
        check.check_query(sql, dialect, managed=False, schema="app")
    assert time.monotonic() - started < SECONDS * crowding(), sql[:200]


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT " + "ARRAY[" * 18 + "1" + "]" * 18, "postgres"),
        ("SELECT " + "(" * 25 + "1" + ")" * 25, "snowflake"),
        ("SELECT " + "NOT " * 25 + "true", "bigquery"),
        ("SELECT " + "CASE " * 25 + "1" + " WHEN 1 THEN 1 END" * 25, "postgres"),
    ],
)
def test_a_deep_nest_is_refused_with_its_line(sql: str, dialect: str) -> None:
    with pytest.raises(RefusedError, match="nested too deeply at line 1"):
        check.check_query(sql, dialect, managed=False, schema="app")


def test_nests_that_people_write_are_allowed() -> None:
    sql = "SELECT " + "lower(" * 20 + "a" + ")" * 20 + " FROM app.t LIMIT 10"
    listed = ", ".join(f"'user-{number}'" for number in range(1400))

    for text in (
        sql,
        f"SELECT a FROM app.t WHERE a IN ({listed})",  # noqa: S608 - a literal list
        "SELECT CAST(a AS decimal(10, 2)) FROM (SELECT a FROM app.t LIMIT 5) AS q",
    ):
        assert check.check_query(text, managed=False, schema="app").text
