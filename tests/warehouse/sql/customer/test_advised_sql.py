# ruff: noqa: S608 - the texts of the tests are their own
"""What a refusal advises is accepted, runs, and returns what the refused text means."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any

import fakesnow
import pytest
from django.db import DatabaseError, connection, transaction
from snowflake import connector

from tests.support.refusal_advice import read_advice, read_remedy, refuse, strip_note
from tests.support.remedy_calls import list_forms, write_call
from tests.support.zetasql_engine import Engine
from warehouse.sql.customer import check

VALUES = ("12", "1.5", "true", "2026-01-02 03:04:05", '{"key": 1}', '["a"]', "AAAA")
PAIRS = ("5, 2", "now(), now() - INTERVAL '1 day'", "ARRAY[1], ARRAY[2]")
# Instructions about the text around.
PROSE = re.compile(
    r"\b(in FROM|WINDOW|such as|behind|around|query|without|whose|of TABLE|holds)\b"
    r"|ORDER BY$|^LATERAL|^CROSS"
)


def require_accepted(sql: str, dialect: str) -> None:
    assert check.check_query(sql, dialect, managed=False, schema="app").text


def list_postgres_advice() -> Iterator[tuple[str, str]]:
    for _, form in list_forms("postgres"):
        call = write_call(form)
        advice = read_remedy(call, "postgres")
        text = strip_note(advice)
        if text and not PROSE.search(text) and "extension" not in advice:
            yield call, text


def fill_in(advice: str) -> str:
    """Return an expression over the columns of the test for one with gaps."""
    sql = re.sub(r"(?<=FROM )…", "time", advice)
    sql = re.sub(r"(?<=WHERE )…|(?<=WHEN )…", "x", sql)
    sql = re.sub(r"\barray(?=[\[),]| ORDER)", "list", sql.replace("…", "a"))
    return sql.replace("'zone'", "'UTC'")


def runs_on_postgres(sql: str) -> bool:
    kinds = (VALUES, PAIRS, ("2", "'{value}'"), ("true", "1"))
    for value, pair, element, x in product(*kinds):
        columns = f"""SELECT {pair}, 3, now(), current_date, 1, 2, {x}, '{value}',
            '{value}', '1', 'YYYY', ARRAY[{element.format(value=value)}], '\\x01'::bytea,
            now(), now(), 4, 2026, 1, 2, 3, 4, 5"""
        names = """a, b, c, time, date, m, n, x, text, value, part, pattern, list, bytes,
            start_time, end_time, d, year, month, day, hour, minute, second"""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT {sql} FROM ({columns}) AS t ({names})")
        except DatabaseError:
            continue
        return True
    return False


@pytest.mark.django_db
def test_what_postgres_is_advised_is_accepted_and_runs() -> None:
    expressions = {
        name: fill_in(sql)
        for name, sql in list_postgres_advice()
        if not re.fullmatch(r"\w+", sql)
    }
    assert len(expressions) > 250
    for sql in expressions.values():
        require_accepted(f"SELECT {sql} FROM t", "postgres")
    wrong = [call for call, sql in expressions.items() if not runs_on_postgres(sql)]
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_what_an_engine_is_advised_is_accepted(dialect: str) -> None:
    for _, form in list_forms(dialect):
        advice = read_remedy(write_call(form), dialect).partition(", w")[0]
        if re.search(r"\W", advice) and not PROSE.search(advice):
            require_accepted(f"SELECT {advice} FROM t", dialect)


@pytest.mark.django_db
def test_a_function_that_postgres_is_advised_exists() -> None:
    names = {
        sql for _, sql in list_postgres_advice() if re.fullmatch(r"[a-z_0-9]+", sql)
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT proname FROM pg_proc")
        known = {name for (name,) in cursor.fetchall()}

    assert names - known == {"coalesce", "current_date"}


ROWS = """(VALUES (1, NULL, 7), (2, 'p', NULL), (3, NULL, 9), (4, 'q', 8), (5, NULL, NULL))
  AS t (b, a, c)"""


def fetch(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [value for (value,) in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("call", "frame", "values"),
    [
        ("LAST_VALUE(a IGNORE NULLS)", "ORDER BY b", [None, "p", "p", "q", "q"]),
        ("FIRST_VALUE(a) IGNORE NULLS", "ORDER BY b", [None, "p", "p", "p", "p"]),
        ("nth_value(a, 2) IGNORE NULLS", "ORDER BY b", [None, None, None, "q", "q"]),
        ("lag(a) IGNORE NULLS", "", [None, None, "p", "p", "q"]),
        ("lead(a) IGNORE NULLS", "", ["p", "q", "q", None, None]),
    ],
)
def test_a_window_function_without_nulls_returns_the_same_rows(
    call: str, frame: str, values: list[Any]
) -> None:
    advice = read_advice(f"{call} OVER (ORDER BY b)", "postgres")
    value, _, window = advice.partition(" and WINDOW w AS ")
    sql = f"SELECT {value.replace('[n]', '[2]')} FROM {{t}} WINDOW w AS " + (
        f"({frame})" if frame else window
    )

    require_accepted(f"{sql.format(t='t')} ORDER BY b", "postgres")
    assert fetch(f"{sql.format(t=ROWS)} ORDER BY b") == values


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "value"), [("MAX_BY", 3), ("MIN_BY", 1)])
def test_a_value_at_an_extreme_leaves_null_out(name: str, value: int) -> None:
    advice = read_advice(f"{name}(a, b)", "postgres")
    rows = "(VALUES (1, 7), (2, NULL), (3, 9), (4, 8)) AS t (a, b)"

    assert fetch(f"SELECT {advice} FROM {rows}") == [value]
    assert fetch(f"SELECT {advice} FROM {rows} WHERE b IS NULL") == [None]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "rows", "values"),
    [
        ("INT64", "('-1'), ('1.5'), ('x'), (NULL)", [-1, None, None, None]),
        ("FLOAT64", "(-1.0), (1.5), (1e-7)", [-1, 1.5, 1e-7]),
        ("INT", "(7), (-8)", [7, -8]),
        ("DATE", "('2026-02-31'), ('2026-02-28'), ('x')", [None, "2026-02-28", None]),
        ("TIMESTAMP", "('2026-02-28 13:00:00'), ('x')", ["2026-02-28 13:00:00+00", None]),
        ("BOOL", "('true'), ('x'), ('F')", [True, None, None]),
        ("STRING", "(7)", ["7"]),
    ],
)  # fmt: skip
def test_a_cast_that_may_fail_is_null_for_other_forms(
    kind: str, rows: str, values: list[Any]
) -> None:
    name = "TRY_CAST" if kind == "INT" else "SAFE_CAST"
    advice = read_advice(f"{name}(value AS {kind})", "postgres")

    require_accepted(f"SELECT {advice} FROM t", "postgres")
    shown = f"to_jsonb({advice})" if kind not in ("DATE", "TIMESTAMP") else advice
    found = fetch(f"SELECT ({shown})::text FROM (VALUES {rows}) AS t (value)")
    expected: list[Any] = [None if v is None else str(v).lower() for v in values]
    if kind == "STRING":
        expected = ['"7"']
    if kind == "FLOAT64":
        found, expected = [float(v) for v in found], [-1.0, 1.5, 1e-7]
    assert found == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("STRUCT(b AS h)", {"h": 1}),
        ("STRUCT(t.b, b AS h)", {"b": 1, "h": 1}),
        ("STRUCT(1 + 1 AS h, b)", {"h": 2, "b": 1}),
    ],
)
def test_a_struct_becomes_json_of_the_same_names(value: str, result: Any) -> None:
    advice = read_advice(value, "postgres").replace("…", "1 + 1")

    require_accepted(f"SELECT {advice} FROM t", "postgres")
    assert fetch(f"SELECT {advice} = '{str(result).replace(chr(39), chr(34))}'::jsonb FROM (SELECT 1) AS t (b)") == [True]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "filled", "row"),
    [
        ("HASH(a)", "FARM_FINGERPRINT('a') = FARM_FINGERPRINT('a')", "true"),
        ("ZEROIFNULL(a)", "IFNULL(CAST(NULL AS INT64), 0)", "0"),
        ("NULLIFZERO(a)", "NULLIF(0, 0) IS NULL", "true"),
        ("SHA2(a, 256)", "LENGTH(TO_HEX(SHA256('a')))", "64"),
        ("string_to_array(a, ',')", "ARRAY_LENGTH(SPLIT('a,b', ','))", "2"),
        ("ARRAY_REMOVE(a, b)", "ARRAY_LENGTH(ARRAY(SELECT x FROM UNNEST([1, 2]) AS x WHERE x <> 2))", "1"),
        ("CONVERT_TIMEZONE('UTC', a)", "DATETIME(TIMESTAMP '2026-01-01 00:00:00+00', 'UTC') = DATETIME '2026-01-01'", "true"),
        ("a ~ 'x'", "REGEXP_CONTAINS('axb', r'x')", "true"),
        ("a !~ 'x'", "NOT REGEXP_CONTAINS('axb', r'x')", "false"),
        ("a ~* 'X'", "REGEXP_CONTAINS('axb', r'(?i)X')", "true"),
        ("'it''s'", r"LENGTH('it\'s')", "4"),
        ("p:a.b", """JSON_VALUE('{"a": {"b": 7}}', '$.a.b')""", "7"),
    ],
)  # fmt: skip
def test_what_bigquery_is_advised_runs(value: str, filled: str, row: str) -> None:
    engine = Engine("ds", datetime(2026, 1, 1, tzinfo=UTC))
    advice = read_advice(value, "bigquery")

    function = re.match(r"(?:NOT )?\w+|\\'", advice)
    assert function
    assert function[0] in filled
    require_accepted(f"SELECT {filled}", "bigquery")
    assert row in engine.run(f"SELECT {filled} AS v").rows[0]


@pytest.mark.parametrize(
    ("operator", "advised"),
    [
        ("EXCEPT", "EXCEPT DISTINCT"),
        ("INTERSECT", "INTERSECT DISTINCT"),
        ("MINUS", "EXCEPT DISTINCT"),
        ("UNION", "UNION DISTINCT"),
    ],
)
def test_bigquery_is_advised_the_operator_that_was_meant(
    operator: str, advised: str
) -> None:
    reason = refuse(f"SELECT a FROM t {operator}\n SELECT a FROM u", "bigquery")
    engine = Engine("ds", datetime(2026, 1, 1, tzinfo=UTC))

    assert advised in reason
    require_accepted(f"SELECT a FROM t {advised} SELECT a FROM u", "bigquery")
    assert engine.run(f"SELECT 1 AS a {advised} SELECT 2 AS a").columns


@pytest.mark.parametrize(
    ("value", "filled", "result"),
    [
        ("a ~ 'x'", "REGEXP_INSTR('axb', 'x') > 0", True),
        ("a !~ 'x'", "REGEXP_INSTR('axb', 'x') = 0", False),
        ("ISNULL(a, b)", "IFNULL(NULL, 'b')", "b"),
        ("string_to_array(a, ',')", "ARRAY_SIZE(SPLIT('a,b', ','))", 2),
        ("jsonb_array_length(a)", "ARRAY_SIZE(PARSE_JSON('[1, 2]'))", 2),
        ("make_date(1, 2, 3)", "TO_VARCHAR(DATE_FROM_PARTS(2026, 1, 2))", "2026-01-02"),
        ("substring_index(a, ',', 1)", "SPLIT_PART('a,b', ',', 1)", "a"),
        ("DATEDIFF(a, b)", "DATEDIFF(day, '2026-01-01'::DATE, '2026-01-03'::DATE)", 2),
    ],
)
@pytest.mark.filterwarnings("ignore:Arrow output:UserWarning")
def test_what_snowflake_is_advised_runs(value: str, filled: str, result: Any) -> None:
    advice = read_advice(value, "snowflake")
    function = re.match(r"\w+", advice)
    assert function
    assert function[0] in filled
    text = check.check_query(f"SELECT {filled} AS v", "snowflake", schema="APP").text

    with fakesnow.patch():
        cursor = connector.connect(database="db", schema="app").cursor()
        cursor.execute(text)
        assert cursor.fetchall() == [(result,)]


@pytest.mark.parametrize(
    ("dialect", "sql", "start"),
    [
        ("postgres", "SELECT DATABASE(x) FROM t", "The function DATABASE is"),
        ("snowflake", "SELECT Div(n, m) FROM t", "The function Div is"),
        ("bigquery", "SELECT View(x) FROM t", "The function View is"),
        ("snowflake", "SELECT unnest(a) FROM t", "The function unnest is"),
        ("postgres", "SELECT 0x1F FROM t", "The literal 0x1F is"),
        ("snowflake", "SELECT 0x1F FROM t", "The literal 0x1F is"),
        ("postgres", "SELECT a FROM t WITH (NOLOCK)", "The clause WITH (NOLOCK) is"),
        ("bigquery", "SELECT a FROM t SORT BY a", "The clause SORT BY is"),
        ("bigquery", "SELECT a FROM t CLUSTER BY a", "The clause CLUSTER BY is"),
        ("postgres", "SELECT a FROM t DISTRIBUTE BY a", "The clause DISTRIBUTE BY is"),
        ("snowflake", "SELECT a FROM t LATERAL VIEW explode(b) x", "The clause LATERAL VIEW is"),
        ("snowflake", "SELECT a #>> '{b}' FROM t", "The operator #>> is"),
        ("bigquery", "SELECT x.p:a.b FROM t", "The path x.p:a.b is not read (line 1): write JSON_VALUE(x.p, '$.a.b')."),
        ("postgres", "SELECT a FROM `managed_dw.rewards`", "The backticks around `managed_dw.rewards` are not read (line 1): write managed_dw.rewards."),
        ("postgres", "SELECT a FROM `app.Paid`", 'The backticks around `app.Paid` are not read (line 1): write app."Paid".'),
    ],
)  # fmt: skip
def test_a_refusal_names_what_was_written(dialect: str, sql: str, start: str) -> None:
    assert refuse(sql, dialect).startswith(start)


MEANT_ELSEWHERE = {
    "postgres": "FORMAT_DATE('%Y',a) FORMAT_TIMESTAMP('%Y',a) LOGICAL_OR(a) SHA2(a)"
    " GENERATE_ARRAY(a,b) GENERATE_DATE_ARRAY(a,b) NVL2(a,b,c) DATETIME(a) TIMESTAMP(a)"
    " uuid_generate_v4() NULLIFZERO(a) TO_VARCHAR(a)",
    "snowflake": "ISNULL(a,b) string_to_array(a,b) jsonb_array_length(a) TO_JSON_STRING(a)"
    " make_date(a,b,c) cardinality(a) jsonb_agg(a) jsonb_build_object(a,b)"
    " substring_index(a,b,1) uuid_generate_v4()",
    "bigquery": "CONVERT_TIMEZONE(a,b) SHA2(a) HASH(a) ZEROIFNULL(a) NULLIFZERO(a)"
    " string_to_array(a,b) explode(a) flatten(a) make_date(a,b,c) jsonb_array_length(a)"
    " uuid_generate_v4() OBJECT_AGG(a,b) ADD_MONTHS(a,b)",
}


@pytest.mark.parametrize("dialect", MEANT_ELSEWHERE)
def test_a_function_of_another_dialect_has_a_remedy_in_each(dialect: str) -> None:
    for call in MEANT_ELSEWHERE[dialect].split():
        assert ": write " in refuse(f"SELECT {call} FROM t", dialect), call
