"""The cube's text for BigQuery runs on Google's own engine and counts amounts alike."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.support import histories, reference_cube
from tests.support.cube_comparison import SPEC, START, A
from tests.support.reference_cube import Reward, Touch
from tests.support.zetasql_engine import Engine
from warehouse.sql.cube.statement import build_statement
from warehouse.sql.preview import render

METRIC, SOURCE = histories.check_queries("bigquery")
NUMERIC = replace(
    SPEC,
    optimization_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
    reward_type="numeric",
    regimes=(replace(SPEC.regimes[0], holdout_threshold="80000000"),),
)
LIST_AMOUNTS = """
SELECT STRING_AGG(FORMAT('%d %t %t %d %d %.9g %.9g', regime, day, holdout, context, users,
  value_sum, value_sum_squares), '|') AS amounts
FROM counted_cube WHERE kind = 'amount'"""
# Edges of buckets and their neighbors, a refund, and nothing.
VALUES = (1.0, 100.0, -1.5, 0.25, 1024.0, 0.0, 5.623, 5.6231, 1e-5, 9e11)


def test_amounts_are_counted_in_the_same_buckets() -> None:
    touches = [
        Touch(f"u{number}", START + timedelta(hours=number), A, "", 0)
        for number in range(60)
    ]
    rewards = [
        Reward(touch.user, touch.at + timedelta(hours=1), VALUES[number % len(VALUES)])
        for number, touch in enumerate(touches)
    ]
    engine = Engine("app", START)
    engine.add_table("exposures", select_exposures(touches))
    engine.add_table("rewards", select_rewards(rewards))

    statement = build_statement(NUMERIC, METRIC, SOURCE, "bigquery")
    result = engine.run(
        LIST_AMOUNTS.replace(
            "counted_cube", f"({render.render_statement(statement, 'bigquery')})"
        )
    )

    (row,) = result.rows
    counted = set(re.sub(r'.*"(.*)".*', r"\1", row, flags=re.DOTALL).split("|"))
    cube = reference_cube.build_reference_cube(NUMERIC, touches, rewards)
    assert len(cube.amounts) > 20
    assert counted == {
        f"{a.regime} {a.day} {str(a.holdout).lower()} {a.bucket} {a.users} "
        f"{a.value_sum:.9g} {a.value_sum_squares:.9g}"
        for a in cube.amounts
    }


def select_exposures(touches: Sequence[Touch]) -> str:
    """Return a query whose rows are these exposures."""
    return " UNION ALL ".join(
        f"SELECT '{touch.user}' AS who, {write_time(touch.at)} AS seen_at,"
        f" '{NUMERIC.optimization_id}' AS optimization, '{touch.variant}' AS variant,"
        " '' AS context, 0 AS version"
        for touch in touches
    )


def select_rewards(rewards: Sequence[Reward]) -> str:
    """Return a query whose rows are these rewards."""
    return " UNION ALL ".join(
        f"SELECT '{reward.user}' AS who, {write_time(reward.at)} AS earned_at,"
        f" CAST('{reward.value!r}' AS FLOAT64) AS amount, 'purchase' AS label"
        for reward in rewards
    )


def write_time(at: datetime) -> str:
    """Write a time as BigQuery does."""
    return f"TIMESTAMP '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'"
