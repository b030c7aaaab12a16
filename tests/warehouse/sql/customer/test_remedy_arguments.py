# ruff: noqa: S608 - the texts of the tests are their own
"""A remedy with the author's own arguments returns what the author's call does.

The values are those of the manuals of Snowflake, BigQuery, MySQL and Postgres.
"""

import re
from datetime import UTC, datetime
from functools import cache

import fakesnow
import pytest
from django.db import connection
from snowflake import connector

from tests.support.refusal_advice import read_advice, refuse, strip_note
from tests.support.zetasql_engine import Engine
from warehouse.sql.customer import check

ROWS = """(VALUES ('b', 3, 1, 'u'), ('a', 1, 2, 'u'), ('b', 2, 3, 'v'), (NULL, 4, NULL, 'v'))
  AS t (name, x, b, p)"""
VALUES = [
    ("CHARINDEX('a', 'abca', 2)", "4"),
    ("CHARINDEX('a', 'abc', 2)", "0"),
    ("LOCATE('b', 'abab', 3)", "4"),
    ("INSTR('abab', 'b', 3)", "4"),
    ("SHA2('abc', 224)", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    ("LEFT(SHA2('abc', 512), 16)", "ddaf35a193617aba"),
    ("BASE64_ENCODE(repeat('a', 90))", "YWFh" * 30),
    ("TO_BASE64(convert_to(repeat('a', 90), 'UTF8'))", "YWFh" * 30),
    ("OBJECT_CONSTRUCT('a', NULL, 'b', 2)", '{"b": 2}'),
    ("OBJECT_CONSTRUCT_KEEP_NULL('a', NULL)", '{"a": null}'),
    ("IS_INF('-Infinity'::float8)", "true"),
    ("""STRING('"abc"'::jsonb)""", "abc"),
    ("""JSON_VALUE('{"a": {"b": 1}}', '$.a')""", None),
    ("""JSON_VALUE('{"a": {"b": 1}}', '$.a.b')""", "1"),
    ("""JSON_QUERY('{"a": [5, 6]}', '$.a[1]')""", "6"),
    ("SUBSTRING_INDEX('a.b.c', '.', -1)", "c"),
    ("SUBSTRING_INDEX('a.b.c', '.', -2)", "b.c"),
    ("SUBSTRING_INDEX('a.b.c', '.', -9)", "a.b.c"),
    ("SUBSTRING_INDEX('a.b.c', '.', 2)", "a.b"),
    ("TIME_SLICE(TIMESTAMP '2019-02-28 01:23:45', 4, 'HOUR', 'END')", "2019-02-28 04:00:00"),
    ("TIME_SLICE(DATE '2019-02-28', 1, 'MONTH', 'END')", "2019-03-01 00:00:00+00"),
    ("ARRAY_SORT(ARRAY[2, 3, 1], FALSE)", "{3,2,1}"),
    ("SPLIT('a-b,c', '-')", '{a,"b,c"}'),
    ("SPLIT('a-b,c', '-')[SAFE_OFFSET(1)]", "b,c"),
    ("DATE_SUB(DATE '2026-05-31', INTERVAL 3 MONTH)", "2026-02-28 00:00:00"),
    ("TIMESTAMP_SUB(TIMESTAMPTZ '2026-01-08 00:00:00+00', INTERVAL 7 DAY)", "2026-01-01 00:00:00+00"),
    ("TIMESTAMP_ADD(TIMESTAMPTZ '2026-01-01 00:00:00+00', INTERVAL 90 MINUTE)", "2026-01-01 01:30:00+00"),
    ("TIMESTAMP_TRUNC(TIMESTAMPTZ '2026-01-02 02:00:00+00', DAY, 'America/New_York')", "2026-01-01 05:00:00+00"),
    ("TIMESTAMP_TRUNC(TIMESTAMPTZ '2026-03-09 02:00:00+00', WEEK, 'America/New_York')", "2026-03-08 05:00:00+00"),
    ("FORMAT_TIMESTAMP('%Y-%m-%d %H:%M', TIMESTAMPTZ '2026-01-01 23:30:00+00', 'Europe/Paris')", "2026-01-02 00:30"),
    ("FORMAT_DATE('%Y%m', DATE '2026-02-01')", "202602"),
    ("PARSE_DATE('%d.%m.%Y', '28.02.2026')", "2026-02-28"),
    ("TIMESTAMP_FROM_PARTS(2024, 1, 2, 3, 4, 5, 600000000)", "2024-01-02 03:04:05.6"),
    ("TIME_FROM_PARTS(1, 2, 3, 4000)", "01:02:03.000004"),
    ("DATE_FROM_PARTS(2024, 13, 1)", "2025-01-01"),
    ("DATE_FROM_PARTS(2024, 3, 0)", "2024-02-29"),
    ("NEXT_DAY(DATE '2026-03-08', 'fr')", "2026-03-13"),
    ("PREVIOUS_DAY(DATE '2026-03-13', 'Friday')", "2026-03-06"),
    ("TO_NUMBER('12.345', 10, 1)", "12.3"),
    ("ARRAY_FILTER(ARRAY[1, 5], x -> x > 3)", "{5}"),
]  # fmt: skip
AGGREGATES = [
    ("LISTAGG(DISTINCT name, ',')", "a,b"),
    ("LISTAGG(name, ';') WITHIN GROUP (ORDER BY x DESC)", "b;b;a"),
    ("LISTAGG(DISTINCT name, '-') WITHIN GROUP (ORDER BY name DESC)", "b-a"),
    ("LISTAGG(name, ';')", "b;a;b"),
    ("GROUP_CONCAT(name, ';')", "b;a;b"),
    ("APPROX_PERCENTILE(x, 0.9)", "3.7"),
    ("PERCENTILE_CONT(x, 0.25)", "1.75"),
    ("PERCENTILE_DISC(x, 0.9)", "4"),
    ("APPROX_QUANTILES(x, 4)[OFFSET(1)]", "1"),
    ("ANY_VALUE(x HAVING MAX b)", "2"),
    ("ANY_VALUE(x HAVING MIN b)", "3"),
    ("MAX_BY(x, b, 2)", "{2,1}"),
    ("OBJECT_AGG(name, b)", '{"a": 2, "b": 3}'),
]
WINDOWS = [
    ("LAG(name, 2, 'none') IGNORE NULLS OVER (ORDER BY x)", ["none", "none", "a", "b"]),
    ("LEAD(name, 2) IGNORE NULLS OVER (ORDER BY x)", ["b", None, None, None]),
    ("LAG(name IGNORE NULLS) OVER (PARTITION BY p ORDER BY x)", [None, None, "a", "b"]),
    ("RATIO_TO_REPORT(x) OVER (PARTITION BY p)", ["0.25", "0.33", "0.75", "0.67"]),
    ("LISTAGG(name, '+') OVER (PARTITION BY p)", None),
]
DAY, NIGHT = "DATETIME '2026-01-01 01:59:00'", "DATETIME '2026-01-01 03:01:00'"
SUNDAY = "DATETIME '2026-03-08 10:00:00'"
BIGQUERY = [
    ("WIDTH_BUCKET(4, 0, 9, 3)", "2"),
    ("WIDTH_BUCKET(-1.5, 0, 9, 3)", "0"),
    ("WIDTH_BUCKET(9, 0, 9, 3)", "4"),
    (f"DATEDIFF(hour, {DAY}, {NIGHT})", "2"),
    (f"DATEDIFF(week, DATE '2026-03-07', {SUNDAY})", "0"),
    (f"DATEDIFF(week, {SUNDAY}, DATE '2026-03-09')", "1"),
    ("DATEADD(month, 3, DATE '2026-01-31')", "2026-04-30"),
    ("DATEADD(hour, -3, DATE '2026-01-31')", "2026-01-30 21:00:00"),
    (f"date_trunc('week', {SUNDAY})", "2026-03-02"),
    (f"date_part('dow', {SUNDAY})", "0"),
    (f"date_part('isodow', {SUNDAY})", "7"),
    ("date_part('epoch', TIMESTAMP '1970-01-02 00:00:00+00')", "86400"),
    ("sha2('abc', 224)", None),
    ("LENGTH(sha2('abc', 512))", "128"),
    ("substring_index('a.b.c', '.', -1)", "c"),
    ("substring_index('a.b.c', '.', -2)", "b.c"),
    ("substring_index('a.b.c', '.', 2)", "a.b"),
    ("age(DATE '2026-03-10', DATE '2026-03-01')", "9"),
    ("MONTHS_BETWEEN(DATE '2019-03-01', DATE '2019-02-15')", "0.548387097"),
    ("object_construct('a', NULL, 'b', 2)", '{"b":2}'),
    ("ARRAY_TO_STRING(regexp_matches('xaya', 'a', 'g'), '+')", "a+a"),
    ("CHARINDEX('a', 'abca', 2)", "4"),
    ("DATE_FROM_PARTS(2024, 13, 1)", "2025-01-01"),
    ("split_part('a-b', '-', 2)", "b"),
    ("concat_ws('-', 'a', 'b')", "a-b"),
]

SNOWFLAKE = [
    ("substring_index('a.b.c', '.', -1)", "c"),
    ("STRPOS('abc', 'b')", "2"),
    ("DATE_SUB('2026-05-31'::DATE, INTERVAL 3 MONTH)", "2026-02-28"),
    ("DATE_DIFF('2026-03-10'::DATE, '2026-01-31'::DATE, MONTH)", "2"),
    ("age('2026-03-10'::DATE, '2026-03-01'::DATE)", "9"),
    ("FORMAT_DATE('%Y%m', '2026-02-01'::DATE)", "202602"),
    ("""JSON_VALUE(PARSE_JSON('{"a": [7]}'), '$.a[0]')""", "7"),
    ("TIMESTAMP_MILLIS(1234)", "1970-01-01 00:00:01.234000"),
]


@cache
def build_engine() -> Engine:
    return Engine("ds", datetime(2026, 1, 1, tzinfo=UTC))


def replace_call(call: str, dialect: str) -> str:
    """Return an expression with its inner call, or the whole, as it was advised."""
    advice = strip_note(read_advice(call, dialect))
    inner = re.match(r"(LEFT|LENGTH|ARRAY_TO_STRING)\((\w+\([^)]*\))(.*\))$", call)
    sql = f"{inner[1]}({advice}{inner[3]}" if inner else advice
    value, _, window = sql.partition(" and WINDOW ")
    source = f" FROM t WINDOW {window}" if window else " FROM t"
    query = f"SELECT {value}{source}"
    assert check.check_query(query, dialect, managed=False, schema="app").text
    return sql


def normalize(value: object) -> str | None:
    text = None if value is None else str(value)
    if text and re.fullmatch(r"-?\d+\.\d+", text):
        return f"{float(text):.9g}"
    return text and re.sub(r"( |T)00:00:00$", "", text)


def fetch(sql: str) -> list[str | None]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        cursor.execute(sql)
        return [value for (value,) in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize(("call", "value"), VALUES)
def test_a_remedy_on_postgres_has_the_value_of_the_call(
    call: str, value: str | None
) -> None:
    assert fetch(f"SELECT ({replace_call(call, 'postgres')})::text") == [value]


@pytest.mark.django_db
@pytest.mark.parametrize(("call", "value"), AGGREGATES)
def test_an_aggregate_on_postgres_has_the_value_of_the_call(
    call: str, value: str
) -> None:
    assert fetch(f"SELECT ({replace_call(call, 'postgres')})::text FROM {ROWS}") == [
        value
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("call", "values"), WINDOWS)
def test_a_window_on_postgres_has_the_values_of_the_call(
    call: str, values: list[str | None] | None
) -> None:
    value, _, window = replace_call(call, "postgres").partition(" and WINDOW ")
    shown = f"round({value}, 2)" if "nullif" in value else value
    clause = f" WINDOW {window}" if window else ""
    found = fetch(f"SELECT ({shown})::text FROM {ROWS}{clause} ORDER BY x")

    assert found == (values or ["b+a", "b", "b+a", "b"])


@pytest.mark.parametrize(("call", "value"), BIGQUERY)
def test_a_remedy_on_bigquery_has_the_value_of_the_call(
    call: str, value: str | None
) -> None:
    if value is None:
        assert "has no one call of the same meaning" in refuse_call(call)
        return
    sql = f"SELECT CAST({replace_call(call, 'bigquery')} AS STRING) AS v"
    if "object_construct" in call:
        sql = sql.replace("CAST(", "TO_JSON_STRING(").replace(" AS STRING)", ")")
    text = str(build_engine().run(sql).rows[0])
    found = re.search(r'string_value: "(.*)"', text)

    assert found
    assert normalize(found[1].replace('\\"', '"')) == value


@pytest.mark.parametrize(("call", "value"), SNOWFLAKE)
@pytest.mark.filterwarnings("ignore:Arrow output:UserWarning")
def test_a_remedy_on_snowflake_has_the_value_of_the_call(call: str, value: str) -> None:
    sql = f"SELECT {replace_call(call, 'snowflake')} AS v"
    text = check.check_query(sql, "snowflake", schema="APP").text

    with fakesnow.patch():
        cursor = connector.connect(database="db", schema="app").cursor()
        cursor.execute(text)
        ((found,),) = cursor.fetchall()
    assert normalize(found) == value


def refuse_call(call: str) -> str:
    return read_advice(call, "bigquery") or refuse(f"SELECT {call} FROM t", "bigquery")
