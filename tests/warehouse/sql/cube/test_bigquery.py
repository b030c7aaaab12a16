"""The cube's text for BigQuery, translated for DuckDB, counts as the reference does.

This tests the logic of the text, not how BigQuery itself executes it.
"""

# Annotations stay text: as objects they would hold DuckDB's types until after its own
# end, and it would report each of them as leaked.
from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlglot import exp

from tests.support import histories, reference_cube
from tests.support.cube_comparison import normalize_cube
from tests.support.histories import Spelling
from tests.support.reference_cube import Reward, Touch
from warehouse.sql.cube.statement import build_statement, decode_cube
from warehouse.sql.preview import render
from warehouse.sql.shapes import CubeSpec

METRIC, SOURCE = histories.check_queries("bigquery")

# BigQuery functions that DuckDB lacks, as BigQuery's reference describes them.
SETUP = """
SET TimeZone = 'UTC';
CREATE MACRO bq_safe_json(written) AS TRY_CAST(written AS JSON);
CREATE MACRO bq_keys(json, depth) AS json_keys(json);
CREATE MACRO bq_json_type(json) AS CASE json_type(json)
  WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array' WHEN 'VARCHAR' THEN 'string'
  WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' WHEN NULL THEN NULL
  ELSE 'number' END;
CREATE MACRO bq_decimal_text(written) AS
  rtrim(rtrim(CAST(TRY_CAST(written AS DECIMAL(38, 12)) AS VARCHAR), '0'), '.');
CREATE SCHEMA app;
CREATE TABLE app.exposures (who VARCHAR, seen_at TIMESTAMPTZ, optimization VARCHAR,
  variant VARCHAR, context VARCHAR, version INTEGER);
CREATE TABLE app.rewards (who VARCHAR, earned_at TIMESTAMPTZ, amount DOUBLE,
  label VARCHAR);
"""
DELETE_ALL = "DELETE FROM app.exposures; DELETE FROM app.rewards;"
INSERT_EXPOSURE = "INSERT INTO app.exposures VALUES (?, ?, ?, ?, ?, ?)"
INSERT_REWARD = "INSERT INTO app.rewards VALUES (?, ?, ?, ?)"


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database with two empty tables."""
    with duckdb.connect() as connection:
        connection.execute(SETUP)
        yield connection


def translate(text: str) -> str:
    """Translate a BigQuery text for DuckDB."""
    (query,) = sqlglot.parse(text, dialect="bigquery")
    assert query is not None
    return query.transform(_translate_node).sql("duckdb")


def _translate_node(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.SafeFunc) and isinstance(node.this, exp.ParseJSON):
        return exp.func("bq_safe_json", node.this.this)
    if isinstance(node, exp.JSONType):
        return exp.func("bq_json_type", node.this)
    if isinstance(node, exp.JSONKeys | exp.JSONKeysAtDepth):
        return exp.func("bq_keys", node.this, exp.Literal.number(1))
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.TryCast):
        return exp.func("bq_decimal_text", node.this.this)
    return node


def replace_rows(
    database: duckdb.DuckDBPyConnection,
    touches: Sequence[tuple[object, ...]],
    rewards: Sequence[tuple[object, ...]],
) -> None:
    """Replace the rows of both tables."""
    database.execute(DELETE_ALL)
    for insert, rows in ((INSERT_EXPOSURE, touches), (INSERT_REWARD, rewards)):
        if rows:
            database.executemany(insert, rows)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(histories.HISTORIES, st.lists(histories.SPELLINGS, min_size=1, max_size=3))
def test_any_history_is_counted_as_the_reference_counts_it(
    database: duckdb.DuckDBPyConnection,
    history: tuple[CubeSpec, list[Touch], list[Reward]],
    spellings: list[Spelling],
) -> None:
    spec, touches, rewards = history
    exposures = histories.exposure_rows(touches, spellings)
    replace_rows(database, exposures, histories.reward_rows(rewards))

    statement = build_statement(spec, METRIC, SOURCE, "bigquery")
    named = {f"p{n}": value for n, value in enumerate(statement.parameters, start=1)}
    rows = database.execute(translate(statement.text), named).fetchall()
    cube = decode_cube(rows, spec)
    printed = translate(render.render_statement(statement, "bigquery"))
    cube_of_printed = decode_cube(database.execute(printed).fetchall(), spec)

    assert normalize_cube(cube) == normalize_cube(
        reference_cube.build_reference_cube(spec, touches, rewards)
    )
    assert normalize_cube(cube_of_printed) == normalize_cube(cube)


def test_amounts_that_are_no_numbers_are_noted(
    database: duckdb.DuckDBPyConnection,
) -> None:
    spec, touches, rewards = histories.make_unread_history()
    exposures = histories.exposure_rows(touches, [str])
    replace_rows(database, exposures, histories.reward_rows(rewards))

    statement = build_statement(spec, METRIC, SOURCE, "bigquery")
    named = {f"p{n}": value for n, value in enumerate(statement.parameters, start=1)}
    rows = database.execute(translate(statement.text), named).fetchall()

    histories.assert_unread_are_noted(decode_cube(rows, spec))
