# ruff: noqa: S608 - the texts of the tests are their own
"""What other programs write is named as it was written, with its line and what to write."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

DIALECTS = ("postgres", "snowflake", "bigquery")
ONE_PARAMETER = (
    "write @start_date for the start date, the only parameter that a query may have, and"
    " other values as they are."
)


def _refuse(sql: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1,\n 2 */ FROM t", "The end */ of a comment has no beginning (line 2): write /* before it, or leave it out."),
        ("SELECT a FROM t WHERE\n a >= @ start_date", "A space stands in the parameter @ start_date (line 2): write @start_date."),
        ("SELECT a FROM t WHERE\n value := 1", "The operator := is not allowed (line 2): write a = b to compare, or => before a named argument."),
        ("SELECT a,\n 1.5.2 FROM t", "The number 1.5.2 has two dots (line 2): write '1.5.2' for a text, or a number with one dot."),
        ("SELECT\n * name FROM t", "The star takes no name (line 2): leave name out, or write the comma or FROM that is missing before it."),
        ("SELECT a FROM t WHERE\n b IN 'buy'", "IN needs brackets (line 2): write IN ('buy')."),
        ("SELECT a FROM t WHERE\n b IN c", "IN needs brackets (line 2): write IN (c)."),
        ("SELECT a FROM t GROUP BY\n a WITH ROLLUP", "The clause WITH ROLLUP is not allowed (line 2): write GROUP BY ROLLUP (a, b) instead."),
        ("SELECT a FROM t GROUP BY\n a WITH TOTALS", "The clause WITH TOTALS is not allowed (line 2): write GROUP BY ROLLUP (a) instead."),
        ("SELECT a FROM t LIMIT\n 50%", "A limit in PERCENT is not allowed (line 2): write a number of rows, as in LIMIT 50, or a query around this one with WHERE over percent_rank() OVER (…)."),
        ("SELECT a FROM t\n FETCH FIRST 5 PERCENT ROWS ONLY", "A limit in PERCENT is not allowed (line 2): write a number of rows, as in LIMIT 50, or a query around this one with WHERE over percent_rank() OVER (…)."),
        ("SELECT a FROM t\nGROUP name", "The word GROUP lacks BY (line 2): write GROUP BY name."),
        ("SELECT a FROM t\nORDER 1", "The word ORDER lacks BY (line 2): write ORDER BY 1."),
        ("SELECT a,\n CASE END FROM t", "The query is unfinished: nothing stands behind CASE (line 2). Write what belongs there, or leave it out."),
        ("SELECT CASE WHEN a THEN 1\nELSE END FROM t", "The query is unfinished: nothing stands behind ELSE (line 2). Write what belongs there, or leave it out."),
    ],
)  # fmt: skip
def test_what_no_dialect_reads_is_refused(dialect: str, sql: str, message: str) -> None:
    assert _refuse(sql, dialect) == message


@pytest.mark.parametrize(
    ("dialect", "sql", "message"),
    [
        ("postgres", "SELECT a,\n {'a': 1} FROM t", "The construct {…} is not allowed (line 2): write jsonb_build_object('a', …) instead."),
        ("snowflake", "SELECT a,\n {a: 1} FROM t", "The key a needs quotes (line 2): write 'a' before the colon."),
        ("postgres", "SELECT * FROM t\nPIVOT (SUM(a) FOR b IN ('x'))", "The clause PIVOT is not allowed (line 1): write one column for each value, sum(CASE WHEN b = 'x' THEN a END) AS x, instead."),
        ("postgres", "SELECT * FROM t\nUNPIVOT (a FOR b IN (x, y))", "The clause UNPIVOT is not allowed (line 1): write one SELECT for each column, with UNION ALL between them, instead."),
        ("postgres", "SELECT * FROM t\nFOR SYSTEM_TIME AS OF '2026-01-01'", "The clause FOR SYSTEM_TIME AS OF is not allowed (line 1): write the table as it is now instead."),
        ("snowflake", "SELECT * FROM t\nFOR SYSTEM_TIME AS OF '2026-01-01'", "The clause FOR SYSTEM_TIME AS OF is not allowed (line 1): write the table as it is now instead."),
        ("postgres", "SELECT a,\n * RENAME (a AS b) FROM t", "Postgres has no SELECT * RENAME (line 2): name the columns."),
        ("postgres", "SELECT * EXCLUDE (a) FROM t", "Postgres has no SELECT * EXCLUDE (line 1): name the columns."),
        ("bigquery", "SELECT * RENAME (a AS b) FROM t", "BigQuery has no SELECT * RENAME (line 1): name the columns."),
        ("bigquery", "SELECT * ILIKE 'a%' FROM t", "BigQuery has no SELECT * ILIKE (line 1): name the columns."),
        ("bigquery", "SELECT a FROM t\nJOIN u", "A JOIN needs a condition (line 2): write ON … or USING (…) behind it, or CROSS JOIN."),
        ("postgres", "SELECT a FROM t\nMATCH_RECOGNIZE (PARTITION BY a)", "The clause MATCH_RECOGNIZE is not allowed (line 2): write LAG or LEAD in a WITH query, and a WHERE over it instead."),
        ("postgres", "SELECT a FROM t\n// a note\nWHERE a = 1", "A comment begins with -- here (line 2), not with //: write -- a note."),
        ("bigquery", "// a note\nSELECT a FROM t", "A comment begins with -- here (line 1), not with //: write -- a note."),
        ("postgres", "#standardSQL\nSELECT a FROM t", "A comment begins with -- here (line 1), not with #: write -- standardSQL."),
        ("postgres", "SELECT a FROM t # a note", "The query cannot be parsed at line 1, column 17, near '#': write -- before a comment."),
        ("bigquery", "SELECT a // b FROM t", "The operator // is not allowed (line 1): write DIV(a, b), or -- before a comment."),
    ],
)  # fmt: skip
def test_what_another_dialect_has_is_refused_as_written(
    dialect: str, sql: str, message: str
) -> None:
    assert _refuse(sql, dialect) == message


@pytest.mark.parametrize(
    ("dialect", "written"),
    [
        *((dialect, "&start_date") for dialect in DIALECTS),
        *((dialect, "<start_date>") for dialect in DIALECTS),
        *((dialect, "!start_date") for dialect in DIALECTS),
        ("postgres", "#start_date#"),
        ("snowflake", "#since#"),
        ("postgres", "<since>"),
    ],
)
@pytest.mark.parametrize("before", [">=", ">= ", "BETWEEN ", "= ANY ("])
def test_a_parameter_of_another_program_leads_to_start_date(
    dialect: str, written: str, before: str
) -> None:
    reason = _refuse(f"SELECT a FROM t WHERE\nts {before}{written}", dialect)

    assert reason == f"The parameter {written} is unknown (line 2): {ONE_PARAMETER}"


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("postgres", "a & b, a # b, a<b, 7 #b, a[1]&b, 1.5, t.a, position('x' IN 'y')"),
        ("postgres", "a IN (1), '// a */', a IN (SELECT 1), count(*), 5 / 2"),
        ("snowflake", "a<b, {'a': 1}, a IN ('x'), 1.5e2, a // a comment\n"),
        (
            "bigquery",
            "a &b, a<b, ARRAY<INT64>[1], STRUCT<x INT64>(1), a IN UNNEST([1])",
        ),
    ],
)
def test_what_looks_like_it_is_accepted(dialect: str, value: str) -> None:
    sql = f"SELECT {value} FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM ds.t JOIN t.tags",
        "SELECT a FROM ds.t JOIN UNNEST(t.tags) AS tag",
        "SELECT a FROM ds.t JOIN ds.u JOIN ds.v ON u.x = v.x ON t.x = u.x",
        "SELECT * REPLACE (1 AS b) FROM ds.t, ds.u",
        "SELECT * FROM ds.t PIVOT (SUM(a) FOR b IN ('x', 'y'))",
    ],
)
def test_joins_and_stars_of_bigquery_are_accepted(sql: str) -> None:
    assert check.check_query(sql, "bigquery", managed=False).text
