"""The cube's text for Snowflake and BigQuery, compared with files."""

import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlglot

from tests.support import histories
from tests.warehouse.sql.cube.test_text import SPECS
from warehouse.sql.cube import bigquery, snowflake
from warehouse.sql.cube.statement import build_statement
from warehouse.sql.shapes import CheckedMetric, Statement

SNAPSHOTS = Path(__file__).parent / "snapshots"
DIALECTS = ("snowflake", "bigquery")
CHECKED = {dialect: histories.check_queries(dialect) for dialect in DIALECTS}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def build_named_statement(dialect: str, name: str) -> Statement:
    """Build the statement of one of SPECS."""
    metric, source = CHECKED[dialect]
    spec = replace(SPECS[name], history_from=datetime(2025, 3, 1, tzinfo=UTC))
    return build_statement(spec, metric, source, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", SPECS)
def test_statement_equals_its_snapshot(dialect: str, name: str) -> None:
    statement = build_named_statement(dialect, name)
    parameters = "\n".join(
        f"-- {number}: {value!r}"
        for number, value in enumerate(statement.parameters, start=1)
    )
    text = f"{statement.text}\n{parameters}\n"
    file = SNAPSHOTS / f"cube_{dialect}_{name}.sql"

    if "UPDATE_SNAPSHOTS" in os.environ:
        file.write_text(text)

    assert text == file.read_text()


def test_both_engines_fill_the_same_slots() -> None:
    assert snowflake.EXPRESSIONS.keys() == bigquery.EXPRESSIONS.keys()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", SPECS)
def test_text_is_one_statement_of_its_dialect(dialect: str, name: str) -> None:
    text = build_named_statement(dialect, name).text

    (parsed,) = sqlglot.parse(text, dialect=dialect)

    assert parsed is not None
    assert parsed.key == "union"


@pytest.mark.parametrize("name", SPECS)
def test_snowflake_has_a_value_for_each_question_mark(name: str) -> None:
    statement = build_named_statement("snowflake", name)

    tokens = sqlglot.tokenize(statement.text, dialect="snowflake")
    assert sum(token.text == "?" for token in tokens) == len(statement.parameters)


@pytest.mark.parametrize("name", SPECS)
def test_bigquery_has_a_value_for_each_name(name: str) -> None:
    statement = build_named_statement("bigquery", name)

    numbers = {int(number) for number in re.findall(r"@p(\d+)", statement.text)}
    assert numbers == set(range(1, len(statement.parameters) + 1))
    assert "start_date" not in statement.text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_of_a_spec_are_parameters_and_never_text(dialect: str) -> None:
    metric, source = CHECKED[dialect]
    hostile = "x'\"`\\); DROP TABLE y; --"
    spec = replace(
        SPECS["outcomes_first_touch"],
        excluded_users=(hostile, f"{hostile}*"),
        days=(date(2026, 3, 1),),
        as_of=NOON,
    )

    statement = build_statement(spec, metric, source, dialect)

    assert "DROP TABLE" not in statement.text
    assert list(statement.parameters).count(hostile) == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_slots_quotes_and_marks_in_a_customers_query_are_left_alone(
    dialect: str,
) -> None:
    metric, source = CHECKED[dialect]
    text = "SELECT '{user_rewards} @start_date ?' AS x"
    mapped: CheckedMetric = replace(
        metric, query=replace(metric.query, text=text), value='a"{user_rewards}`\\'
    )

    statement = build_statement(SPECS["bool"], mapped, source, dialect)

    assert text in statement.text
    assert "{user_rewards}" in statement.text.replace(text, "")


def test_factor_names_are_quoted_in_paths() -> None:
    spec = SPECS["numeric_last_touch_horizon"]
    (factor, *others) = spec.contexts
    hostile = replace(factor, name="a'b\"c\\d.e")
    spec = replace(spec, contexts=(hostile, *others))

    for dialect in DIALECTS:
        text = build_statement(spec, *CHECKED[dialect], dialect).text
        (parsed,) = sqlglot.parse(text, dialect=dialect)
        assert parsed is not None
