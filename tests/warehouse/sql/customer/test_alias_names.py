# ruff: noqa: S608 - the texts of the tests are their own
"""What the dialect does not take for a name is none, with and without AS."""

import pytest
from django.db import DatabaseError, connection, transaction

from warehouse.sql import RefusedError
from warehouse.sql.customer import check
from warehouse.sql.customer.allowlists import allowlist_postgres

DIALECTS = ("postgres", "snowflake", "bigquery")
UNFINISHED = "The query is unfinished: nothing stands behind {} (line 2)."


def _refuse(sql: str, dialect: str = "postgres") -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "source", ["a.ev\n foo (10)", "a.ev AS\n foo (10)", "(SELECT 1)\n foo (10)"]
)
def test_a_number_is_no_name_of_a_column(dialect: str, source: str) -> None:
    assert _refuse(f"SELECT count(*) FROM {source}", dialect) == (
        "The list (10) behind foo is no list of names (line 2): write foo alone, or names"
        " of columns in the brackets."
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_list_of_a_with_query_holds_names(dialect: str) -> None:
    reason = _refuse("WITH x (a, 'b') AS (SELECT 1, 2) SELECT * FROM x", dialect)

    assert reason.startswith("The list (a, 'b') behind x is no list of names (line 1)")


@pytest.mark.parametrize(
    ("dialect", "remedy"),
    [
        ("postgres", "a WHERE over a hash, such as abs(hashtext(id::text)) % 10 = 0, instead"),
        ("bigquery", "a WHERE instead"),
    ],
)  # fmt: skip
def test_a_sample_is_no_alias(dialect: str, remedy: str) -> None:
    reason = _refuse("SELECT count(*) FROM a.ev\nSAMPLE (10)", dialect)

    assert reason == f"The clause SAMPLE is not allowed (line 2): write {remedy}."


def test_bigquery_has_no_lists_of_names() -> None:
    reason = _refuse("SELECT x FROM (SELECT 1 AS a)\n AS t (x)", "bigquery")

    assert reason == (
        "The list (x) behind t is not read (line 2): write t alone, and AS behind each"
        " column that it selects."
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_number_is_no_alias(dialect: str) -> None:
    assert _refuse("SELECT a\n AS 5 FROM t", dialect).startswith(
        "The number 5 is no name (line 2): "
    )


@pytest.mark.django_db
@pytest.mark.parametrize("word", sorted(allowlist_postgres.NEED_AS))
def test_postgres_takes_the_word_for_a_name_behind_as_alone(word: str) -> None:
    reason = _refuse(f"SELECT 3\n {word} FROM t")
    query = check.check_query(f"SELECT 3 AS {word}", managed=False, schema="app")

    if word in {"FILTER", "WITHIN"}:
        assert reason.startswith(UNFINISHED.format(word))
    else:
        assert f"{word} is no name without AS (line 2): write AS {word}." in reason
    with connection.cursor() as cursor:
        cursor.execute(query.text)
        assert cursor.fetchone() == (3,)
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(f"SELECT 3 {word}")


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", "SELECT v.n, x FROM (VALUES (1)) v (n), unnest(ARRAY[1]) AS u(x)"),
        ("postgres", "SELECT a, b FROM jsonb_to_recordset('[]') AS r(a numeric(5, 2), b text)"),
        ("postgres", "WITH w (a, b) AS (SELECT 1, 2) SELECT a AS year, b week FROM w"),
        ("snowflake", "SELECT n FROM (VALUES (1)) AS v (n)"),
        ("bigquery", "SELECT x, at FROM UNNEST([1]) AS x WITH OFFSET AS at"),
    ],
)  # fmt: skip
def test_a_list_of_names_is_accepted(dialect: str, sql: str) -> None:
    assert check.check_query(sql, dialect, managed=False, schema="app").text
