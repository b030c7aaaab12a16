# ruff: noqa: S608 - the texts of the tests are their own
"""A text that stops too early is refused: no clause word becomes an alias."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

DIALECTS = ("postgres", "snowflake", "bigquery")


def _refuse(sql: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT name FROM t\nGROUP", "GROUP"),
        ("SELECT name FROM t\norder", "ORDER"),
        ("SELECT name FROM t\nGROUP BY", "GROUP BY"),
        ("SELECT name FROM t\nGROUP  BY ORDER BY name", "GROUP BY"),
        ("SELECT name FROM t WHERE\na = 1 AND", "AND"),
        ("SELECT name FROM t\nWHERE", "WHERE"),
        ("SELECT name FROM t\nIN", "IN"),
        ("SELECT name FROM t\nFETCH", "FETCH"),
        ("SELECT name FROM (SELECT name FROM t\nGROUP) AS x", "GROUP"),
        ("SELECT name\nGROUP FROM t", "GROUP"),
        ("SELECT t.name FROM t JOIN u\nORDER ON t.a = u.a", "ORDER"),
        ("SELECT count(*) OVER (\nPARTITION BY) FROM t", "PARTITION BY"),
        ("SELECT count(*) OVER (\nPARTITION) FROM t", "PARTITION"),
        ("SELECT name FROM t\nAS", "AS"),
        ("SELECT name\nAS, b FROM t", "AS"),
        ("SELECT name\nAS FROM t", "AS"),
        ("SELECT name FROM (SELECT name FROM t\nAS) x", "AS"),
        ("SELECT name FROM t\nAS ORDER BY name", "AS"),
        ("SELECT name FROM t\nAS WHERE a = 1", "AS"),
        ("SELECT row_number()\nOVER FROM t", "OVER"),
        ("SELECT row_number()\nOVER, name FROM t", "OVER"),
        ("SELECT sum(a) OVER (ORDER BY name\nROWS) FROM t", "ROWS"),
        ("SELECT sum(a) OVER (ORDER BY name ROWS\nBETWEEN) FROM t", "BETWEEN"),
    ],
)
def test_a_clause_word_with_nothing_behind_it_is_no_alias(
    dialect: str, sql: str, word: str
) -> None:
    assert _refuse(sql, dialect) == (
        f"The query is unfinished: nothing stands behind {word} (line 2). Write what"
        " belongs there, or leave it out."
    )


@pytest.mark.parametrize(
    ("dialect", "word"),
    [
        ("postgres", "OFFSET"),
        ("postgres", "LIMIT"),
        ("snowflake", "BY"),
        ("snowflake", "SET"),
        ("bigquery", "PARTITION"),
        ("bigquery", "LEFT"),
    ],
)
def test_a_word_that_the_dialect_itself_reserves_is_no_alias(
    dialect: str, word: str
) -> None:
    assert "nothing stands behind" in _refuse(f"SELECT name FROM t {word}", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_end_of_a_script_is_no_alias(dialect: str) -> None:
    assert _refuse("SELECT name FROM t\nGO", dialect) == (
        "The word GO ends a script of another program (line 2): leave it out."
    )


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", 'SELECT a AS "order", t.group FROM t "group" ORDER BY a DESC'),
        ("postgres", "SELECT go FROM t ORDER BY\n go"),
        ("postgres", "SELECT a AS order FROM t"),
        ("postgres", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t"),
        ("postgres", "SELECT a FROM t by"),
        ("postgres", "SELECT a AS from FROM t over"),
        ("postgres", "SELECT t.as, t.over FROM t"),
        ("snowflake", "SELECT a:order, a:in FROM t"),
        ("snowflake", "SELECT a FROM t WHERE b:order"),
        ("snowflake", "SELECT a FROM t ORDER BY offset"),
        ("snowflake", "SELECT a FROM t GROUP BY ALL"),
        ("bigquery", "SELECT t.order, a FROM t ORDER BY offset"),
    ],
)
def test_a_name_like_a_clause_word_is_accepted_where_the_dialect_does(
    dialect: str, sql: str
) -> None:
    assert check.check_query(sql, dialect, managed=False, schema="app").text


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("ROWS BETWEEN 1 PRECEDING", "The frame BETWEEN has no end (line 2): write AND CURRENT ROW behind PRECEDING, or leave BETWEEN out."),
        ("RANGE UNBOUNDED", "A bound of the frame has no direction (line 2): write PRECEDING or FOLLOWING behind UNBOUNDED, or CURRENT ROW."),
        ("ROWS BETWEEN 1 AND 2", "A bound of the frame has no direction (line 2): write PRECEDING or FOLLOWING behind 1, or CURRENT ROW."),
        ("ROWS 1 PRECEDING AND CURRENT ROW", "The frame has two bounds (line 2): write ROWS BETWEEN … AND …."),
    ],
)  # fmt: skip
def test_a_frame_has_both_ends(dialect: str, frame: str, message: str) -> None:
    assert (
        _refuse(f"SELECT sum(a) OVER (ORDER BY b\n{frame}) FROM t", dialect) == message
    )


@pytest.mark.parametrize("dialect", ["postgres", "bigquery"])
@pytest.mark.parametrize("before", ["", "w AS (ORDER BY a), "])
def test_a_window_is_defined(dialect: str, before: str) -> None:
    reason = _refuse(f"SELECT sum(a) OVER v FROM t WINDOW {before}\nv", dialect)

    assert reason == "The window v is not defined (line 2): write v AS (…)."


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "frame",
    ["ROWS 1 PRECEDING", "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
     "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"],
)  # fmt: skip
def test_a_whole_frame_is_accepted(dialect: str, frame: str) -> None:
    sql = f"SELECT sum(a) OVER (ORDER BY b {frame}) FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text
