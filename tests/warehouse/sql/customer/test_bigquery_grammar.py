"""Queries drawn by a grammar of BigQuery's dialect read the customer's own tables alone.

Google's own parser tells which tables a text reads.
"""

from datetime import UTC, datetime
from functools import cache

from hypothesis import given, settings

from tests.support.query_grammar import Pieces, query_texts
from tests.support.zetasql_engine import Engine
from warehouse.sql import RefusedError
from warehouse.sql.customer import check

GRAMMAR = Pieces(
    tables=("t", "ds.t", "`p-1.ds.events_*`", "p.ds.Orders", "`ds.t` AS t"),
    rows=(
        "UNNEST([1, 2]) AS u", "UNNEST(GENERATE_ARRAY(1, 3)) AS g WITH OFFSET",
        "UNNEST(ARRAY(SELECT id FROM ds.t)) AS s",
        "UNNEST(ARRAY<STRUCT<x INT64>>[STRUCT(1)]) AS r",
        "(SELECT b, n FROM ds.t) PIVOT (SUM(n) FOR b IN ('x', 'y')) AS v",
        "ds.t AS t, t.items AS i",
    ),
    foreign=(
        "ds.INFORMATION_SCHEMA.TABLES", "`region-us`.INFORMATION_SCHEMA.JOBS AS j",
        "`ds.INFORMATION_SCHEMA.TABLES` AS t", "EXTERNAL_QUERY('c', 'SELECT 1')",
        "ds.__TABLES__", "ML.PREDICT(MODEL ds.m, TABLE ds.t)", "`p:ds.t` AS t",
        "ds.t FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()", "UNNEST(ds.f(1)) AS f",
        "APPENDS(TABLE ds.t, NULL, NULL)", "ds.my_function(1)",
        "UNNEST(ARRAY(SELECT table_name FROM ds.INFORMATION_SCHEMA.TABLES)) AS i",
        "(SELECT table_name FROM `p.*.t`) AS w",
    ),
    scalars=(
        "id", "'x'", "1", "COUNT(*)", "`a`", "@start_date", "STRUCT<x INT64>(1).x",
        "ARRAY(SELECT id FROM ds.t)[SAFE_OFFSET(0)]", "TO_HEX(MD5(b))", "REPEAT(b, 3)",
        "NET.HOST(b)", "(SELECT AS STRUCT id, b FROM t LIMIT 1).id", "b'x'",
    ),
    refused=(
        "ds.my_function(1)", "`p.ds.f`(1)", "SESSION_USER()", "@@project_id", "RAND()",
        "ERROR('x')", "ML.DISTANCE(1, 2)", "HOST(b)", "REPEAT(b, 1000000)", "",
        "KEYS.NEW_KEYSET('x')", "(SELECT table_name FROM ds.INFORMATION_SCHEMA.TABLES)",
    ),
)  # fmt: skip
OWN_TABLES = {"app.t", "ds.t", "p-1.ds.events_*", "p.ds.Orders"}


@cache
def get_engine() -> Engine:
    """Return Google's engine; it is compiled once."""
    return Engine("ds", datetime(2026, 1, 1, tzinfo=UTC))


@given(query_texts(GRAMMAR))
def test_queries_of_the_grammar_read_own_tables_alone(sql: str) -> None:
    try:
        checked = check.check_query(sql, "bigquery", schema="app")
    except RefusedError:
        return
    tables = get_engine().list_tables(checked.text)

    assert tables <= OWN_TABLES, checked.text
    assert tables <= set(checked.tables), checked.text


def test_most_statements_of_the_grammar_are_valid_and_read_tables() -> None:
    are_telling = []

    @settings(max_examples=150, derandomize=True, database=None)
    @given(query_texts(GRAMMAR))
    def judge(sql: str) -> None:
        try:
            text = check.check_query(sql, "bigquery", schema="app").text
        except RefusedError:
            are_telling.append(False)
        else:
            are_telling.append(bool(get_engine().list_tables(text)))

    judge()
    assert sum(are_telling) > 0.6 * len(are_telling)
