"""The cube's text for both Postgres stores, compared with files; and decoded rows."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.cube.statement import build_statement, decode_cube
from warehouse.sql.customer import check
from warehouse.sql.shapes import (
    ContextFactor,
    CubeSpec,
    OutcomeRule,
    RegimeSpan,
    Statement,
)

SNAPSHOTS = Path(__file__).parent / "snapshots"
START = datetime(2026, 3, 1, tzinfo=UTC)
METRIC = check.check_metric_query(
    "SELECT anonymous_id, timestamp_utc AS timestamp, value, name"
    " FROM managed_dw.rewards WHERE timestamp_utc >= @start_date",
    {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp",
        "value": "value",
        "name": "name",
    },
)
OWN_METRIC = check.check_metric_query(
    "SELECT who, at, value, name FROM orders WHERE at >= @start_date",
    {"anonymous_id": "who", "timestamp": "at", "value": "value", "name": "name"},
    managed=False,
    schema="shop",
)
SOURCE = check.check_source_query(
    "SELECT who, at, test, variant, context, version FROM shop.shown"
    " WHERE at >= @start_date",
    {
        "anonymous_id": "who",
        "timestamp": "at",
        "optimization_id": "test",
        "variant": "variant",
        "context": "context",
        "policy_version": "version",
    },
)
BOOL = CubeSpec(
    optimization_id="7C9E6679-7425-40DE-944B-E07FC1F90AE7",
    organization_id="org_a",
    variants=((1, '{"headline":"a"}'), (2, '{"headline":"b"}')),
    contexts=(),
    reward_type="bool",
    outcomes=(),
    attribution="last_touch",
    window_hours=24,
    horizon_hours=24,
    regimes=(RegimeSpan(1, START, "1999999a"),),
    excluded_users=("tester", "bot-*"),
    days=(date(2026, 3, 2), date(2026, 3, 1)),
    as_of=datetime(2026, 3, 9, 12, tzinfo=UTC),
)
SPECS = {
    "bool": BOOL,
    "numeric_last_touch_horizon": replace(
        BOOL,
        reward_type="numeric",
        horizon_hours=168,
        contexts=(
            ContextFactor("device", ("mobile",)),
            ContextFactor("age", ("1", "2")),
        ),
    ),
    "outcomes_first_touch": replace(
        BOOL,
        reward_type="outcomes",
        attribution="first_touch",
        outcomes=(OutcomeRule("buy", 3.0, "name", "purchase"),),
    ),
}


def assert_equals_snapshot(statement: Statement, name: str) -> None:
    """Compare text and parameters with a file; write it if UPDATE_SNAPSHOTS is set."""
    parameters = "\n".join(
        f"-- ${number}: {value!r}"
        for number, value in enumerate(statement.parameters, start=1)
    )
    text = f"{statement.text}\n{parameters}\n"
    file = SNAPSHOTS / f"cube_{name}.sql"

    if "UPDATE_SNAPSHOTS" in os.environ:
        file.write_text(text)

    assert text == file.read_text()


@pytest.mark.parametrize("name", SPECS)
def test_statement_equals_its_snapshot(name: str) -> None:
    assert_equals_snapshot(build_statement(SPECS[name], METRIC), f"postgres_{name}")


@pytest.mark.parametrize("name", SPECS)
def test_statement_for_a_connected_postgres_equals_its_snapshot(name: str) -> None:
    spec = replace(SPECS[name], history_from=START)
    statement = build_statement(spec, OWN_METRIC, SOURCE)

    assert_equals_snapshot(statement, f"connected_postgres_{name}")


def test_servers_before_16_get_a_text_without_the_json_check() -> None:
    newer = build_statement(BOOL, OWN_METRIC, SOURCE)
    older = build_statement(BOOL, OWN_METRIC, SOURCE, "postgres before 16")

    assert "pg_input_is_valid" in newer.text
    assert "pg_input_is_valid" not in older.text
    assert older.parameters == newer.parameters


def test_every_parameter_is_used_and_none_is_missing() -> None:
    statement = build_statement(SPECS["numeric_last_touch_horizon"], METRIC)

    count = len(statement.parameters)
    assert all(f"${number}" in statement.text for number in range(1, count + 1))
    assert f"${count + 1}" not in statement.text


def test_slots_and_quotes_in_a_customers_query_are_left_alone() -> None:
    metric = check.check_metric_query(
        'SELECT anonymous_id AS "a""{user_rewards}", timestamp_utc AS t, \'{user_rewards}\' AS x'
        " FROM managed_dw.rewards",
        {"anonymous_id": 'a"{user_rewards}', "timestamp": "t"},
    )

    text = build_statement(BOOL, metric).text

    assert 'q."a""{user_rewards}"' in text
    assert "'{user_rewards}'" in text


def test_rows_are_decoded_by_their_kind() -> None:
    cell = (1, date(2026, 3, 1), None, False, 2, 0, None, True, None)
    rows = [
        ("cell", *cell, 3, 4, 2, 2.0, 2.0, 1, 9.0, 9.0, 1, 9.0, 9.0, 1, 2),
        (
            "lag",
            None,
            date(2026, 3, 1),
            *[None] * 3,
            31,
            *[None] * 3,
            2,
            4,
            2,
            2.0,
            2.0,
            1,
            0.0,
            0.0,
            0,
            0.0,
            0.0,
            0,
            0,
        ),
        ("read", *[None] * 9, 7, *[None] * 12),
    ]

    cube = decode_cube(rows, BOOL)

    (decoded,) = cube.cells
    assert (decoded.users, decoded.exposures, decoded.converted) == (3, 4, 2)
    assert (decoded.variant, decoded.payers, decoded.log_sum) == (2, 0, 0.0)
    assert (decoded.negatives, decoded.negative_log_sum) == (0, 0.0)
    assert (cube.lags[31], sum(cube.lags)) == (2, 2)
    assert cube.days[0].lags == cube.lags
    assert (cube.crossover_users, cube.arm_mismatch_users) == (1, 2)
    assert cube.rows_read == 7


def test_spec_without_days_and_unknown_dialect_are_refused() -> None:
    with pytest.raises(ValueError, match="day"):
        build_statement(replace(BOOL, days=()), METRIC)
    with pytest.raises(RefusedError, match="snowflake"):
        build_statement(BOOL, METRIC, dialect="snowflake")
