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
from warehouse.sql.shapes import CheckedMetric, Statement

SNAPSHOTS = Path(__file__).parent / "snapshots"
WRITERS = {
    "snowflake": snowflake.build_statement,
    "bigquery": bigquery.build_statement,
}
CHECKED = {dialect: histories.check_queries(dialect) for dialect in WRITERS}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def written(dialect: str, name: str) -> Statement:
    """Write the statement of a question."""
    metric, source = CHECKED[dialect]
    spec = replace(SPECS[name], history_from=datetime(2025, 3, 1, tzinfo=UTC))
    return WRITERS[dialect](spec, metric, source)


@pytest.mark.parametrize("dialect", WRITERS)
@pytest.mark.parametrize("name", SPECS)
def test_statement_is_the_one_in_the_file(dialect: str, name: str) -> None:
    statement = written(dialect, name)
    listed = "\n".join(
        f"-- {number}: {value!r}"
        for number, value in enumerate(statement.parameters, start=1)
    )
    text = f"{statement.text}\n{listed}\n"
    file = SNAPSHOTS / f"cube_{dialect}_{name}.sql"

    if "UPDATE_SNAPSHOTS" in os.environ:
        file.write_text(text)

    assert text == file.read_text()


@pytest.mark.parametrize("dialect", WRITERS)
@pytest.mark.parametrize("name", SPECS)
def test_statement_is_one_and_readable_in_its_dialect(dialect: str, name: str) -> None:
    (parsed,) = sqlglot.parse(written(dialect, name).text, dialect=dialect)

    assert parsed is not None
    assert parsed.key == "union"


@pytest.mark.parametrize("name", SPECS)
def test_snowflake_has_a_value_for_each_question_mark(name: str) -> None:
    statement = written("snowflake", name)

    tokens = sqlglot.tokenize(statement.text, dialect="snowflake")
    assert sum(token.text == "?" for token in tokens) == len(statement.parameters)


@pytest.mark.parametrize("name", SPECS)
def test_bigquery_has_a_value_for_each_name(name: str) -> None:
    statement = written("bigquery", name)

    named = {int(number) for number in re.findall(r"@p(\d+)", statement.text)}
    assert named == set(range(1, len(statement.parameters) + 1))
    assert "start_date" not in statement.text


@pytest.mark.parametrize("dialect", WRITERS)
def test_nothing_of_a_spec_is_pasted_into_the_text(dialect: str) -> None:
    metric, source = CHECKED[dialect]
    hostile = "x'\"`\\); DROP TABLE y; --"
    spec = replace(
        SPECS["outcomes_first_touch"],
        excluded_users=(hostile, f"{hostile}*"),
        days=(date(2026, 3, 1),),
        as_of=NOON,
    )

    statement = WRITERS[dialect](spec, metric, source)

    assert "DROP TABLE" not in statement.text
    assert list(statement.parameters).count(hostile) == 2


@pytest.mark.parametrize("dialect", WRITERS)
def test_braces_quotes_and_marks_of_a_customer_stay_his(dialect: str) -> None:
    metric, source = CHECKED[dialect]
    text = "SELECT '{earned} @start_date ?' AS x"
    mapped: CheckedMetric = replace(
        metric, query=replace(metric.query, text=text), value='a"{earned}`\\'
    )

    statement = WRITERS[dialect](SPECS["bool"], mapped, source)

    assert text in statement.text
    assert "{earned}" in statement.text.replace(text, "")


def test_factor_names_are_quoted_in_paths() -> None:
    spec = SPECS["numeric_last_touch_horizon"]
    (factor, *others) = spec.contexts
    odd = replace(factor, name="a'b\"c\\d.e")
    spec = replace(spec, contexts=(odd, *others))
    found: list[str] = []
    for dialect, writer in WRITERS.items():
        metric, source = CHECKED[dialect]
        found.append(writer(spec, metric, source).text)

    for dialect, text in zip(WRITERS, found, strict=True):
        (parsed,) = sqlglot.parse(text, dialect=dialect)
        assert parsed is not None
