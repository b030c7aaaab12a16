# ruff: noqa: S608 - the texts of the tests are their own
"""Functions of other dialects are refused, not translated into something else.

sqlglot reads every dialect's functions in every dialect. Google's own engine tells which of
the names BigQuery has.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import pytest
from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.parsers.bigquery import BigQueryParser
from zetasql.core import ServerError

from tests.support.zetasql_engine import Engine
from warehouse.sql import RefusedError
from warehouse.sql.customer import check
from warehouse.sql.customer.grammars.by_dialect import GRAMMARS
from warehouse.sql.customer.remedies.functions_bigquery import OWN_FUNCTIONS

ARGUMENTS = (
    "", "a", "a, b", "a, b, c", "'x', a", "a, b, DAY", "DAY, a, b", "a AS INT64", "[a], b",
    "DAY FROM a", "SELECT 1", "'x' IN a",
)  # fmt: skip
# Words of the language that are read as functions, and functions of BigQuery's that the
# engine of the tests does not have.
WORDS = {"any", "case", "exists", "unnest"}
UNPROVED = {
    "approx_count_distinct", "approx_quantiles", "approx_top_count", "approx_top_sum",
    "collate", "contains_substr", "host", "max_by", "min_by", "reg_domain",
}  # fmt: skip
# Names that are written otherwise, and mean the same by BigQuery's manual.
SYNONYMS = {"array", "current_date", "regexp_substr"}


def _list_names() -> set[str]:
    parsers = (
        BigQueryParser.FUNCTIONS, BigQueryParser.FUNCTION_PARSERS,
        BigQueryParser.NO_PAREN_FUNCTION_PARSERS,
    )  # fmt: skip
    return {name.lower() for names in parsers for name in names}


@cache
def _list_accepted(name: str) -> tuple[str, ...]:
    """Return how a function is written, with each kind of arguments that is accepted."""
    return tuple(_write_calls(name))


def _write_calls(name: str) -> Iterator[str]:
    for arguments in ARGUMENTS:
        sql = f"SELECT {name}({arguments}) AS q FROM t"
        try:
            text = check.check_query(sql, "bigquery", schema="app").text
        except RefusedError:
            continue
        yield text.removeprefix("SELECT ").rsplit(" AS `q`", 1)[0]


def _is_known(name: str, engine: Engine) -> bool:
    try:
        engine.run(f"SELECT {name}()")
    except ServerError as error:
        return "Function not found" not in str(error)
    return True


def _refuse(value: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(
            f"SELECT 1,\n {value} FROM t", dialect, managed=False, schema="s"
        )
    return refusal.value.reason


def test_bigquery_accepts_its_own_functions_alone() -> None:
    engine = Engine("ds", datetime(2026, 1, 1, tzinfo=UTC))
    accepted = {name for name in _list_names() if _list_accepted(name)}

    assert len(accepted) > 200
    assert accepted <= OWN_FUNCTIONS
    known = {name for name in accepted - WORDS if _is_known(name, engine)}
    assert accepted - WORDS - known <= UNPROVED


def test_a_function_of_bigquery_keeps_its_name() -> None:
    renamed = {
        name
        for name in _list_names()
        for text in _list_accepted(name)
        if not re.match(rf"{name}\b", text, re.IGNORECASE)
    }

    assert renamed <= SYNONYMS


@pytest.mark.parametrize(
    ("value", "name", "remedy"),
    [
        ("CHARINDEX('a', b)", "CHARINDEX", "STRPOS(b, 'a')"),
        ("LOCATE('a', b)", "LOCATE", "STRPOS(b, 'a')"),
        ("POSITION('a' IN b)", "POSITION", "STRPOS(b, 'a')"),
        ("HEX(a)", "HEX", "UPPER(TO_HEX(a))"),
        ("GROUP_CONCAT(a)", "GROUP_CONCAT", "STRING_AGG(CAST(a AS STRING), ',')"),
        ("TRY_CAST(a AS INT64)", "TRY_CAST", "SAFE_CAST"),
        ("LEN(a)", "LEN", "LENGTH"),
        ("SAFE.LEN(a)", "LEN", "LENGTH"),
        ("NVL(a, b)", "NVL", "IFNULL"),
        (
            "DATEDIFF(a, b)",
            "DATEDIFF",
            "DATE_DIFF(CAST(a AS DATE), CAST(b AS DATE), DAY)",
        ),
        ("DECODE(a, 1, 2)", "DECODE", "CASE WHEN a IS NOT DISTINCT FROM 1 THEN 2 END"),
        (
            "SPLIT_PART(a, 'b', 1)",
            "SPLIT_PART",
            "SPLIT(a, 'b')[SAFE_ORDINAL(1)], which is NULL behind the last part,",
        ),
        ("IF(a, b)", "IF of two arguments", "IF(condition, a, NULL)"),
        ("ARRAY(a)", "ARRAY of values", "[a, b], or ARRAY(SELECT …)"),
        ("WEEK(a)", "WEEK", "EXTRACT(ISOWEEK FROM …)"),
    ],
)
def test_a_refusal_says_what_bigquery_has_instead(
    value: str, name: str, remedy: str
) -> None:
    assert _refuse(value, "bigquery") == (
        f"The function {name} is not allowed (line 2): write {remedy} instead."
    )


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery"])
@pytest.mark.parametrize(("name", "instead"), [("max", "GREATEST"), ("min", "LEAST")])
def test_an_extreme_of_several_values_is_refused(
    dialect: str, name: str, instead: str
) -> None:
    assert _refuse(f"{name}(a, b)", dialect) == (
        f"The function {name} of several values is not allowed (line 2):"
        f" write {instead} instead."
    )


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery"])
def test_a_not_that_would_negate_a_part_is_refused(dialect: str) -> None:
    assert "brackets" in _refuse("NOT a IN (1) || b", dialect)


@pytest.mark.parametrize(
    "value",
    ["LEFTPAD(a, 1)", "SAFE_CAST(a AS INT)", "LOG(a)", "CURRENT_DATE('UTC')"],
)
def test_what_snowflake_does_not_have_is_refused(value: str) -> None:
    assert "is not allowed (line 2)" in _refuse(value, "snowflake")


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("INSTR(a, 'b')", "CHARINDEX('b', a)"),
        ("SAFE_CAST(a AS INT)", "TRY_CAST"),
        ("HEX(a)", "HEX_ENCODE"),
        ("IF(a, b, c)", "IFF"),
        ("DATE_ADD(a, INTERVAL 1 DAY)", "DATEADD(day, 1, a)"),
        ("SAFE_DIVIDE(a, b)", "a / NULLIF(b, 0)"),
    ],
)
def test_a_refusal_says_what_snowflake_has_instead(value: str, remedy: str) -> None:
    name = value.partition("(")[0]

    assert _refuse(value, "snowflake") == (
        f"The function {name} is not allowed (line 2): write {remedy} instead."
    )


# The refusal names what it is about otherwise.
NAMED_BY_KIND = {"array", "if", "log", "max", "min", "scope_resolution", "directory"}


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery"])
def test_a_refusal_names_a_function_as_it_was_written_with_a_remedy(
    dialect: str,
) -> None:
    parser = SqlglotDialect.get_or_raise(GRAMMARS[dialect]).parser_class
    names = {name.lower() for name in (*parser.FUNCTIONS, *parser.FUNCTION_PARSERS)}
    reasons = {}
    for name in map(str.title, sorted(names - NAMED_BY_KIND)):
        try:
            check.check_query(
                f"SELECT {name}(a) FROM t", dialect, managed=False, schema="s"
            )
        except RefusedError as refusal:
            if refusal.reason.startswith("The function"):
                reasons[name] = refusal.reason

    assert len(reasons) > 5
    for name, reason in reasons.items():
        assert reason.startswith(f"The function {name} "), name
        assert re.search(r" \(line 1\): .*\.$", reason), reason
