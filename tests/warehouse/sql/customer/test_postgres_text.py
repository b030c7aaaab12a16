# ruff: noqa: S608 - the texts of the tests are their own
"""What sqlglot reads otherwise than Postgres keeps its meaning, or is refused."""

import pytest

from warehouse.sql.customer import check
from warehouse.sql.customer.refusal import RefusedError


def _regenerate(value: str, dialect: str = "postgres") -> str:
    sql = f"SELECT {value} AS q FROM t"
    text = check.check_query(sql, dialect, managed=False, schema="s").text
    return text.removeprefix("SELECT ").rsplit(" AS ", 1)[0]


def _refuse(sql: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, managed=False, schema="s")
    return refusal.value.reason


@pytest.mark.parametrize(
    ("written", "regenerated"),
    [
        ("a NOT IN (7) < b", '(NOT "a" IN (7)) < "b"'),
        ("a NOT BETWEEN 1 AND 2 >= b", '(NOT "a" BETWEEN 1 AND 2) >= "b"'),
        ("a NOT SIMILAR TO 'b' <= b", """(NOT "a" SIMILAR TO 'b') <= "b\""""),
        ("a !~ b > c", '("a" !~ "b") > "c"'),
        ("a !~* b || c", '"a" !~* "b" || "c"'),
        ("a !~ ANY (b)", '"a" !~ ANY("b")'),
        ("NOT a ~ ANY (b)", 'NOT "a" ~ ANY("b")'),
        ("NOT a IN (7) < b", 'NOT "a" IN (7) < "b"'),
        ("- ~ a", '- ~"a"'),
        ("~ - a", '~ -"a"'),
        (
            "date_bin('1 hour', a, '2026-01-01')",
            "DATE_BIN('1 hour', \"a\", '2026-01-01')",
        ),
        ("date_bin('1 hour', a, origin)", 'DATE_BIN(\'1 hour\', "a", "origin")'),
        ('"user"', '"user"'),
        ("t.user", '"t"."user"'),
        ("a::double precision", 'CAST("a" AS DOUBLE PRECISION)'),
        ("a::own.string", 'CAST("a" AS "own"."string")'),
    ],
)
def test_operators_and_names_keep_their_meaning(written: str, regenerated: str) -> None:
    assert _regenerate(written) == regenerated


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_a_negation_beside_an_operator_has_brackets(dialect: str) -> None:
    text = check.check_query(
        "SELECT a NOT IN (7) < b AS q FROM s.t", dialect, managed=False, schema="s"
    ).text

    assert "(NOT " in text
    assert " IN (7)) < " in text


@pytest.mark.parametrize(
    "word",
    ["user", "current_role", "system_user", "session_user", "current_catalog", "current_schema"],
)  # fmt: skip
def test_words_that_mean_who_asks_are_refused(word: str) -> None:
    assert f"The function {word} is not allowed (line 1)" in _refuse(
        f"SELECT {word} FROM t"
    )


@pytest.mark.parametrize(
    ("sql", "remedy"),
    [
        ("SELECT 1,\n a = ANY (b)::text::bool FROM t", "(a = ANY (…))::type"),
        ("SELECT 1,\n a > ALL (SELECT 1)::int FROM t", "(a = ANY (…))::type"),
        ("SELECT 1,\n a IS TRUE::int FROM t", "(… IS …)::type"),
        ("SELECT 1,\n a IS NOT NULL::int FROM t", "(… IS …)::type"),
        ('SELECT 1,\n a COLLATE "C"::text FROM t', '(… COLLATE "C")::type'),
        ("SELECT 1,\n a NOT IN (7) || 'x' FROM t", "(a IN (…)) || …"),
        ("SELECT 1,\n a IN (SELECT 7) + 1 FROM t", "(a IN (…)) + …"),
        ("SELECT 1,\n a NOT IN (7)::text FROM t", "(a IN (…))::type"),
        ("SELECT 1,\n a IS NULL || 'x' FROM t", "(… IS …) || …"),
        ("SELECT 1,\n a ISNULL::text FROM t", "(… IS …)::type"),
        ("SELECT 1,\n if(a, b, c) FROM t", "CASE WHEN"),
        ("SELECT 1,\n array(a, b) FROM t", "write ARRAY[a, b]"),
        ("SELECT 1,\n current_date('UTC') FROM t", "AT TIME ZONE 'UTC'"),
        (
            "SELECT 1,\n position(a, b, 3) FROM t",
            "write CASE WHEN strpos(substr(b, 3), a)",
        ),
        ("SELECT\n, a FROM t", "remove it"),
        ("SELECT a\n, FROM t", "remove it"),
        ("SELECT ARRAY[1,\n] FROM t", "remove it"),
        ("SELECT DISTINCT\n, a FROM t", "remove it"),
        ("SELECT a FROM t\n,", "remove it"),
        ("SELECT a FROM t\n, WHERE a = 1", "remove it"),
        ("SELECT 1,\n 'a' 'b' FROM t", "||"),
        ("SELECT a FROM t\nLIMIT 1, 2", "OFFSET"),
        ("SELECT a FROM t WHERE\na == 1", "write ="),
        ("SELECT a FROM t SEMI JOIN\n b ON true", "WHERE EXISTS"),
        ("SELECT a FROM t ANTI JOIN\n b ON true", "WHERE NOT EXISTS"),
        ("SELECT a FROM t JOIN\n b", "CROSS JOIN"),
        ("SELECT a FROM t LEFT JOIN\n b", "CROSS JOIN"),
        ("SELECT 1,\n len(a) FROM t", "write length"),
        ("SELECT 1,\n ifnull(a, b) FROM t", "write coalesce"),
        ("SELECT 1,\n nvl(a, b) FROM t", "write coalesce"),
        ("SELECT 1,\n instr(a, b) FROM t", "write strpos"),
        ("SELECT 1,\n charindex(a, b) FROM t", "write strpos"),
        ("SELECT 1,\n max(a, b) FROM t", "write GREATEST"),
        ("SELECT 1,\n min(a, b) FROM t", "write LEAST"),
        ("SELECT 1,\n a::string FROM t", "write text"),
        ("SELECT 1,\n a::number(3, 2) FROM t", "write numeric"),
        ("SELECT 1,\n a::int64 FROM t", "write bigint"),
        ("SELECT 1,\n a::double FROM t", "write double precision"),
        ("SELECT 1,\n a::clob FROM t", "write text"),
    ],
)
def test_what_postgres_does_not_read_is_refused_with_a_remedy(
    sql: str, remedy: str
) -> None:
    reason = _refuse(sql)

    assert "(line " in reason
    assert remedy in reason


@pytest.mark.parametrize(
    "sql",
    [
        "WITH x AS (SELECT a FROM t LIMIT 1), y AS (SELECT 2 AS b) SELECT x.a FROM x, y",
        "SELECT a AS limit, b FROM t",
        "SELECT t.a FROM t NATURAL JOIN b",
        "SELECT t.a FROM t CROSS JOIN b",
        "SELECT t.a FROM t JOIN b JOIN c ON true ON true",
        "SELECT t.a FROM t LEFT JOIN LATERAL (SELECT 1 AS b) AS x ON true",
        "SELECT concat('a'\n'b', a) FROM t",
        "SELECT array(SELECT 1), position('a' IN a), a IN (7) = (a IN (8)) FROM t",
        "SELECT max(a), (a IS TRUE)::int, EXISTS (SELECT 1)::int FROM t GROUP BY 2",
    ],
)
def test_what_looks_like_it_is_accepted(sql: str) -> None:
    assert check.check_query(sql, managed=False, schema="s").text
