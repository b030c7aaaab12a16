# ruff: noqa: S608 - the texts of the tests are their own
"""Placeholders, misspelt comparisons and other statements are named as they are written."""

import re
from collections.abc import Iterator

import pytest
from sqlglot import exp

from warehouse.sql import RefusedError
from warehouse.sql.customer import check, dialects, messages

DIALECTS = ("postgres", "snowflake", "bigquery")
START = "write @start_date for the start date, the only parameter that a query may have"
PARAMETERS = (
    "??", "?", "?1", "%s", "%(since)s", "%since", "%since%", "$since", "@since",
    "@@since", '@"start_date"', "@'since'", ":since", ":1", ":'since'", ':"since"',
    "&since", "&&since", "\\:since", "<since>",
)  # fmt: skip
TEMPLATES = (
    "{{ since }}", "{% since %}", "{since}", "{0}", "{since:Date}", "{since: DateTime}",
    "${since}", "&{since}", "%{since}", "<%= since %>", "<% since %>", "{@start_date}",
)  # fmt: skip


def _refuse(sql: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("written", PARAMETERS)
@pytest.mark.parametrize("place", ["WHERE a >=\n {}", "WHERE a IN (\n{}", "LIMIT\n{}"])
def test_every_spelling_of_a_parameter_leads_to_start_date(
    dialect: str, written: str, place: str
) -> None:
    closing = ")" if "(" in place else ""
    reason = _refuse(f"SELECT a FROM t {place.format(written)}{closing}", dialect)

    assert reason.startswith(f"The parameter {written} is unknown (line 2): {START}")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("written", TEMPLATES)
def test_every_spelling_of_a_template_leads_to_start_date(
    dialect: str, written: str
) -> None:
    for sql in ("SELECT a FROM t WHERE a >=\n{}", "SELECT\n{} FROM t"):
        reason = _refuse(sql.replace("{}", written), dialect)

        assert reason == (
            f"The template {written} is not filled in here (line 2): write names and"
            " values as they are, and @start_date for the start date."
        )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("written", ["?", ":x", "%s", "$x", "%(x)s"])
def test_a_parameter_with_a_cast_is_one(dialect: str, written: str) -> None:
    reason = _refuse(f"SELECT a FROM t WHERE a >= {written}::date", dialect)

    assert reason.startswith(f"The parameter {written} is unknown (line 1): {START}")


@pytest.mark.parametrize("written", ["$1", "$since", "$since$", "#{since}", "#since#"])
def test_a_sign_that_begins_no_name_of_bigquery_is_a_parameter(written: str) -> None:
    reason = _refuse(f"SELECT a FROM t WHERE a >= {written}", "bigquery")

    assert reason.startswith(f"The parameter {written} is unknown (line 1): {START}")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("written", ["%s", "%(x)s", "$1", "?", ":x", "&&x", "@x"])
def test_a_parameter_for_a_table_asks_for_a_table(dialect: str, written: str) -> None:
    assert _refuse(f"SELECT a FROM\n{written}", dialect) == (
        f"The parameter or stage {written} cannot be read (line 2): name a table."
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("operator", ["??"])
def test_two_question_marks_are_no_operator(dialect: str, operator: str) -> None:
    reason = _refuse(f"SELECT a FROM t WHERE a\n{operator} 'x'", dialect)

    lookup = "? to look up a key of JSON, or " if dialect == "postgres" else ""
    assert reason == (
        f"The operator ?? is not allowed (line 2): write {lookup}coalesce(a, b) for a"
        " value in place of NULL."
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "sql", ["```sql\nSELECT 1\n```", "```\nSELECT 1\n```", "~~~sql\nSELECT 1\n~~~\n"]
)
def test_a_fence_of_markdown_is_named(dialect: str, sql: str) -> None:
    assert _refuse(sql, dialect) == (
        f"The lines that begin with {sql[:3]} are Markdown's and no SQL (line 1): leave"
        " them out."
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "written",
    [
        "CAST('{{ start_date }}' AS timestamp)", "(':start_date')", "(('${start}'))",
        "'?'::date", "CAST('%s' AS date)", "'<start_date>'", "'&start_date'", "DATE '$1'",
    ],
)  # fmt: skip
def test_a_parameter_in_quotes_is_no_time_wherever_it_becomes_one(
    dialect: str, written: str
) -> None:
    text = re.findall(r"'.*'", written)[0]

    assert _refuse(f"SELECT a FROM t WHERE a >=\n{written}", dialect).startswith(
        f"The text {text} is no time (line 2): write @start_date without quotes"
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("operator", "right"),
    [
        ("=<", "<="), ("=!", "<>"), ("!>", "<="), ("!<", ">="), ("><", "<>"), ("===", "="),
        ("!==", "<>"), ("> =", ">="), ("< =", "<="), ("! =", "<>"), ("< >", "<>"),
        ("≤", "<="), ("≥", ">="), ("≠", "<>"),
    ],
)  # fmt: skip
def test_a_misspelt_comparison_gets_the_right_one(
    dialect: str, operator: str, right: str
) -> None:
    assert _refuse(f"SELECT a FROM t WHERE a\n{operator} 2", dialect) == (
        f"The operator {operator} is not allowed (line 2): write {right} for the"
        " comparison."
    )
    sql = f"SELECT a FROM t WHERE a {right} 2"
    assert check.check_query(sql, dialect, managed=False, schema="app").text


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("statement", "advice"),
    [
        ("INSERT INTO x VALUES (1)", "its SELECT alone"),
        ("DELETE FROM x", "its condition as the WHERE of a SELECT"),
        ("UPDATE x SET a = 1", "its new values as columns of a SELECT"),
        ("MERGE INTO x USING y ON TRUE", "a SELECT with a JOIN of the two tables"),
    ],
)
def test_a_statement_that_changes_data_is_named_wherever_it_stands(
    dialect: str, statement: str, advice: str
) -> None:
    word = statement.split(maxsplit=1)[0]
    for sql in (
        f"\n{statement}",
        f"WITH a AS (SELECT 1)\n{statement}",
        f"WITH a AS (\n{statement} RETURNING *) SELECT * FROM a",
    ):
        assert _refuse(sql, dialect) == (
            f"Only a SELECT is allowed, not {word} (line 2): write {advice}."
        )


@pytest.mark.parametrize("sql", ["\nVALUES (1)", "\n(VALUES (1))"])
def test_values_alone_get_their_line(sql: str) -> None:
    assert _refuse(sql, "postgres").startswith("VALUES alone is no query (line 2): ")


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("postgres", "j ? 'a', j ?| ARRAY['a'], j ?& ARRAY['a'], j @? '$.a'"),
        ("postgres", "a && b, ARRAY[1]&&ARRAY[2], $$%s {{ x }} ??$$, $q$:x$q$, '??'"),
        (
            "postgres",
            "a %b, a % b, a[1:2], a[:n], a::date, '{a}'::text[], j->'a' ? 'b'",
        ),
        ("postgres", '(a).b % 5, 5 %b, update, "delete", coalesce(a >= b, a<>b)'),
        ("postgres", "make_interval(days => 1), a !~ 'x', a <= -1, a >= +1, 'x' ~ a"),
        (
            "snowflake",
            "a:b, a:b.c::DATE, a['b'], {'a': 1}, {}, a % b, INSERT(a, 1, 2, b)",
        ),
        ("snowflake", "$$%s {{ x }} ??$$, a <> b, a != b, 5 %b"),
        (
            "bigquery",
            "STRUCT(a AS b), ARRAY<STRUCT<x INT64>>[], '''\n```sql\n''', a[0]",
        ),
        (
            "bigquery",
            "STRUCT<ARRAY<INT64>>([1]), r'%s ??', MOD(a, b), a >= @start_date",
        ),
    ],
)
def test_what_a_dialect_has_is_no_placeholder(dialect: str, value: str) -> None:
    sql = f"SELECT {value} FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text


def _list_classes(kind: type[exp.Expr] = exp.Expression) -> Iterator[type[exp.Expr]]:
    for each in kind.__subclasses__():
        yield each
        yield from _list_classes(each)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_message_names_a_class_of_the_parser(dialect: str) -> None:
    grammar = dialects.get_dialect(dialect).grammar
    for kind in _list_classes():
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).upper()
        is_known = words in messages.CLASS_WORDS
        if is_known or issubclass(kind, exp.Func | exp.Property):
            continue
        written = messages.describe_node(kind(), grammar)
        source = messages.describe_source(kind(), grammar)

        assert "PLACEHOLDER" not in written + source
        # Some classes are written by their name, as COMMIT is.
        assert written != words or kind().sql(grammar) == words, kind
