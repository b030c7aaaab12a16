# ruff: noqa: S608 - the texts of the tests are their own
"""Syntax of other dialects is refused by its name, never run with another meaning."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check
from warehouse.sql.customer.text import foreign_operators

DIALECTS = ("postgres", "snowflake", "bigquery")
VIEW = "compute it by functions, or in a view, and read its column"
PIPE = (
    "The pipe |> is not allowed (line 2): write SELECT … FROM … WHERE …, one WITH query"
    " for each step that reads the one before."
)
SAME = "a IS NOT DISTINCT FROM b"
FLATTEN = "write LATERAL FLATTEN(INPUT => …) in FROM instead."


def _refuse(sql: str, dialect: str = "postgres", *, managed: bool = False) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=managed, schema="app")
    return refusal.value.reason


def _regenerate(value: str) -> str:
    text = check.check_query(
        f"SELECT {value} AS q FROM t", schema="s", managed=False
    ).text
    return text.removeprefix("SELECT ").rsplit(" AS ", 1)[0]


@pytest.mark.parametrize(
    ("written", "operator", "remedy"),
    [
        (
            "a <=> b",
            "<=>",
            f"write {SAME}; a distance of vectors can be computed in a view alone",
        ),
        ("a <-> b", "<->", VIEW),
        ("a <#> b", "<#>", VIEW),
        ("a <+> b", "<+>", VIEW),
        ("a <<-> b", "<<->", VIEW),
        ("a ~<~ b", "~<~", VIEW),
        ("a <*> b", "<*>", VIEW),
        ("@ a", "@", "write abs(a)"),
        ("@(a)", "@", "write abs(a)"),
        ("@-5", "@-", "write abs(-a)"),
        ("a ** b", "**", "write a ^ b"),
        ("a // b", "//", "write div(a, b), or -- before a comment"),
        ("a =~ b", "=~", "write a ~ 'pattern'"),
        ("a <% b", "<%", "write word_similarity(a, b) > 0.6"),
        ("a RLIKE b", "RLIKE", "write a ~ 'pattern'"),
        ("a regexp b", "REGEXP", "write a ~ 'pattern'"),
        ("a||-1", "||-", "write a space before its last sign, -"),
    ],
)
@pytest.mark.parametrize("managed", [True, False])
def test_an_operator_that_postgres_reads_as_another_is_refused_by_its_name(
    written: str, operator: str, remedy: str, managed: bool
) -> None:
    reason = _refuse(f"SELECT a\nFROM t ORDER BY {written}", managed=managed)

    assert reason == f"The operator {operator} is not allowed (line 2): {remedy}."


def test_each_kept_operator_of_two_values_runs_as_it_was_written() -> None:
    words = {
        "!=": "<>",
        "~~": "LIKE",
        "~~*": "ILIKE",
        "!~~": "NOT LIKE",
        "!~~*": "NOT ILIKE",
    }
    elsewhere = {"!", "!!", "==", "=>", "|>", "|/", "||/"}

    for operator in foreign_operators.KEPT_OPERATORS - elsewhere:
        written = words.get(operator, operator)
        assert _regenerate(f"a {operator} b") == f'"a" {written} "b"'


@pytest.mark.parametrize(
    ("written", "regenerated"),
    [
        ("a=-1", '"a" = -1'),
        ("a*-1", '"a" * -1'),
        ("a->>-1", '"a" ->> -1'),
        ("a/*c*/+b--c", '"a" + "b"'),
        ("'<=>'", "'<=>'"),
        ('"<=>"', '"<=>"'),
        ("$$ <-> $$", "' <-> '"),
        ("ts>=@start_date", '"ts" >= CAST($2 AS TIMESTAMPTZ)'),
    ],
)
def test_what_only_touches_an_operator_is_no_other_operator(
    written: str, regenerated: str
) -> None:
    assert _regenerate(f"{written}\n") == regenerated


def test_the_start_date_is_no_part_of_an_operator() -> None:
    assert _refuse("SELECT a FROM t WHERE\n ts <@start_date") == (
        "The operator <@ stands before start_date (line 2): write a space before"
        " @start_date."
    )


@pytest.mark.parametrize(
    ("dialect", "written", "operator", "remedy"),
    [
        ("snowflake", "a <=> b", "<=>", "write a IS NOT DISTINCT FROM b"),
        ("snowflake", "a -> 'x'", "->", "write value:key"),
        ("snowflake", "a ->> 'x'", "->>", "write value:key::VARCHAR"),
        ("snowflake", "a ^ 2", "^", "write POWER(a, b), or BITXOR(a, b) for bits"),
        ("snowflake", "a ** 2", "**", "write POWER(a, b)"),
        ("snowflake", "a << 2", "<<", "write BITSHIFTLEFT(a, n)"),
        ("snowflake", "~a", "~", "write BITNOT(a)"),
        ("bigquery", "a <=> b", "<=>", "write a IS NOT DISTINCT FROM b"),
        ("bigquery", "a -> 'x'", "->", "write JSON_QUERY(value, '$.key')"),
        ("bigquery", "a ->> 'x'", "->>", "write JSON_VALUE(value, '$.key')"),
        ("bigquery", "a ** 2", "**", "write POW(a, b)"),
        ("bigquery", "a RLIKE 'x'", "RLIKE", "write REGEXP_CONTAINS(text, r'pattern')"),
    ],
)
def test_an_operator_of_another_dialect_is_refused_with_the_dialects_own(
    dialect: str, written: str, operator: str, remedy: str
) -> None:
    assert _refuse(f"SELECT a,\n {written} FROM t", dialect) == (
        f"The operator {operator} is not allowed (line 2): {remedy}."
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "sql",
    ["SELECT a FROM t\n|> WHERE a > 1", "SELECT a FROM (FROM t\n|> WHERE a > 1) AS x"],
)
def test_a_pipe_is_refused_in_every_dialect(dialect: str, sql: str) -> None:
    assert _refuse(sql, dialect) == PIPE


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "sql",
    [
        "\nFROM t |> WHERE a > 1",
        "SELECT a\nFROM (FROM t) AS x",
        "WITH x AS (\nFROM t) SELECT a FROM x",
        "SELECT a FROM t\nUNION ALL FROM t",
        "(\nFROM t)",
    ],
)
def test_a_query_that_begins_with_from_is_refused_at_every_place(
    dialect: str, sql: str
) -> None:
    assert _refuse(sql, dialect) == (
        "A query that begins with FROM is not allowed (line 2): write SELECT … FROM …."
    )


def test_the_from_of_a_function_is_no_query() -> None:
    assert _regenerate("trim(from a)") == 'TRIM("a")'


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT x FROM t,\n UNNEST(items) AS x", f"The function unnest is not allowed (line 2): {FLATTEN}"),
        ("SELECT a,\n unnest(items) FROM t", f"The function unnest is not allowed (line 2): {FLATTEN}".replace("…", "items")),
        (
            "SELECT\n generate_series(1, 3)",
            "The function generate_series is not allowed (line 2): write a calendar of TABLE(GENERATOR(ROWCOUNT => n)) instead.",
        ),
        (
            "SELECT\n b::jsonb FROM t",
            "The type jsonb is not allowed (line 2): write VARIANT, or PARSE_JSON(text), instead.",
        ),
    ],
)  # fmt: skip
def test_a_foreign_construct_is_named_on_snowflake(sql: str, reason: str) -> None:
    assert _refuse(sql, "snowflake") == reason
