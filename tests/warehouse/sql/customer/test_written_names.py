# ruff: noqa: ISC004, S608 - the texts of the tests are their own
"""A refusal names functions, tables and WITH queries as the customer wrote them."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check


def _refuse(sql: str, dialect: str, *, schema: str | None = "app") -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema=schema)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("dialect", "call", "name"),
    [
        ("postgres", "MyFunc(1)", "MyFunc"),
        ("postgres", "App.MyFunc(1)", "App.MyFunc"),
        ("postgres", '"MyFunc"(1)', "MyFunc"),
        ("postgres", "Json_Value(a, '$.b')", "Json_Value"),
        ("postgres", "Current_Role", "Current_Role"),
        ("snowflake", "MyFunc(1)", "MyFunc"),
        ("snowflake", "Db.App.MyFunc(1)", "Db.App.MyFunc"),
        ("snowflake", "SYSTEM$WAIT(1)", "SYSTEM$WAIT"),
        ("snowflake", "Uniform(1, 2, 3)", "Uniform"),
        ("snowflake", "Flatten(a)", "Flatten"),
        ("bigquery", "MyFunc(1)", "MyFunc"),
        ("bigquery", "Ds.MyFunc(1)", "Ds.MyFunc"),
        ("bigquery", "ML.PREDICT(1)", "ML.PREDICT"),
        ("bigquery", "SAFE.Nvl(a, b)", "Nvl"),
        ("bigquery", "Week(a)", "Week"),
        ("bigquery", "Reg_Domain(a)", "Reg_Domain"),
    ],
)
def test_a_refused_function_keeps_its_name(dialect: str, call: str, name: str) -> None:
    reason = _refuse(f"SELECT 1,\n {call} FROM t", dialect)

    assert reason.startswith(f"The function {name} is not allowed (line 2): ")


@pytest.mark.parametrize(
    ("dialect", "source", "name"),
    [
        ("postgres", "App.MyRows(1) AS r", "App.MyRows"),
        ("snowflake", "LATERAL MyRows(1)", "MyRows"),
        ("bigquery", "ML.PREDICT((SELECT 1 AS a))", "ML.PREDICT"),
        ("bigquery", "Ds.MyRows(1)", "Ds.MyRows"),
    ],
)
def test_a_refused_function_in_from_keeps_its_name_and_schema(
    dialect: str, source: str, name: str
) -> None:
    reason = _refuse(f"SELECT 1 AS a\nFROM {source}", dialect)

    assert reason.startswith(f"The function {name} in FROM is not allowed (line 2)")


@pytest.mark.parametrize(
    ("dialect", "sql", "words"),
    [
        ("snowflake", "SELECT a FROM Orders", "The table Orders (line 1) needs its"),
        ("postgres", "SELECT a FROM Orders", "The table Orders (line 1) needs its"),
        ("snowflake", "SELECT a::Binary FROM s.t", "The type Binary is not"),
        ("postgres", "SELECT a::Xml FROM s.t", "The type Xml is not"),
        ("postgres", "SELECT a::Float64 FROM s.t", "The type Float64 is not"),
        (
            "snowflake",
            "WITH Levered_x AS (SELECT 1 AS a) SELECT a FROM Levered_x",
            "The name Levered_x (line 1) is reserved",
        ),
        (
            "bigquery",
            "WITH Days AS (SELECT 1 AS a),\nDAYS AS (SELECT 2 AS a) SELECT a FROM Days",
            "Two WITH queries have the name DAYS (line 2)",
        ),
        (
            "postgres",
            "WITH RECURSIVE Days AS (SELECT 1 AS n UNION ALL SELECT n FROM Days)"
            " SELECT n FROM Days",
            "The recursive WITH query Days never ends",
        ),
    ],
)
def test_refused_tables_types_and_with_queries_keep_their_names(
    dialect: str, sql: str, words: str
) -> None:
    assert _refuse(sql, dialect, schema=None).startswith(words)
