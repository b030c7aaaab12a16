"""Histories of a connected warehouse: exposures in any spelling, and what counts them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from tests.support.cube_comparison import EXPOSURES, REWARDS, SPECS, A, B
from tests.support.reference_cube import Reward, Touch
from warehouse.sql.customer import check
from warehouse.sql.shapes import CheckedMetric, CheckedSource

OPTIMIZATION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TWO_FACTORS = (
    (1, '{"headline":"a","size":1.5}'),
    (2, '{"headline":"b","size":true}'),
)

SNOWFLAKE_ACCOUNT = {
    "account": "xy12345.eu-central-1",
    "username": "levered",
    "password": "correct horse battery staple",
    "warehouse": "wh",
    "database": "db",
    "schema": "app",
}
SNOWFLAKE_TABLES = (
    (
        "CREATE TABLE exposures (who VARCHAR, seen_at TIMESTAMP_TZ, optimization VARCHAR,"
        " variant VARCHAR, context VARCHAR, version INTEGER)"
    ),
    (
        "CREATE TABLE rewards (who VARCHAR, earned_at TIMESTAMP_TZ, amount DOUBLE,"
        " label VARCHAR)"
    ),
)
EMPTY = ("DELETE FROM exposures", "DELETE FROM rewards")
EXPOSE = "INSERT INTO exposures VALUES (?, ?, ?, ?, ?, ?)"
REWARD = "INSERT INTO rewards VALUES (?, ?, ?, ?)"

METRIC_SQL = "SELECT * FROM app.rewards WHERE earned_at >= @start_date"
SOURCE_SQL = "SELECT * FROM app.exposures WHERE seen_at >= @start_date"
EXPOSURE_COLUMNS = {
    "anonymous_id": "who",
    "timestamp": "seen_at",
    "optimization_id": "optimization",
    "variant": "variant",
    "context": "context",
    "policy_version": "version",
}
REWARD_COLUMNS = {
    "anonymous_id": "who",
    "timestamp": "earned_at",
    "value": "amount",
    "name": "label",
}


def _respell_touch(touch: Touch) -> Touch:
    """Put the second factor in: what one factor alone could not show."""
    level = {A: 1.5, B: True}.get(touch.variant, "other")
    variant = json.loads(touch.variant) | {"size": level}
    return replace(touch, variant=json.dumps(variant, separators=(",", ":")))


PLAIN = st.tuples(SPECS, st.lists(EXPOSURES, max_size=14))
OF_TWO_FACTORS = st.tuples(
    SPECS.map(lambda spec: replace(spec, variants=TWO_FACTORS)),
    st.lists(EXPOSURES.map(_respell_touch), max_size=14),
)
HISTORIES = st.tuples(
    st.one_of(PLAIN, OF_TWO_FACTORS),
    st.lists(REWARDS.map(lambda one: replace(one, optimization_id=None)), max_size=12),
).map(
    lambda both: (
        replace(both[0][0], optimization_id=OPTIMIZATION),
        both[0][1],
        both[1],
    )
)
SPELLINGS = st.sampled_from(
    [
        lambda variant: variant,
        lambda variant: json.dumps(json.loads(variant), indent=1),
        lambda variant: json.dumps(dict(reversed(json.loads(variant).items()))),
    ]
)  # fmt: skip


def exposure_rows(
    touches: Sequence[Touch], spellings: Sequence[object]
) -> list[tuple[object, ...]]:
    """Write exposures as rows, each variant spelled in its own way, and strangers'."""
    rows: list[tuple[object, ...]] = [
        (
            touch.user,
            touch.at,
            OPTIMIZATION.upper() if number % 2 else OPTIMIZATION,
            spellings[number % len(spellings)](touch.variant),  # type: ignore[operator]  # hypothesis types a choice of functions as objects
            touch.context,
            touch.policy_version,
        )
        for number, touch in enumerate(touches)
    ]
    strangers = [(None, *row[1:]) for row in rows[:1]]
    elsewhere = [(*row[:2], "another", *row[3:]) for row in rows[:2]]
    return rows + strangers + elsewhere


def reward_rows(rewards: Sequence[Reward]) -> list[tuple[object, ...]]:
    """Write rewards as rows."""
    return [(one.user, one.at, one.value, one.name) for one in rewards]


def fill_tables(
    cursor: Any, touches: Sequence[Touch], rewards: Sequence[Reward]
) -> None:
    """Put a history into Snowflake's two tables, spelled as it was."""
    replace_rows(cursor, exposure_rows(touches, [str]), reward_rows(rewards))


def replace_rows(
    cursor: Any,
    touches: Sequence[tuple[object, ...]],
    rewards: Sequence[tuple[object, ...]],
) -> None:
    """Replace what Snowflake's two tables hold."""
    for emptied in EMPTY:
        cursor.execute(emptied)
    for text, rows in ((EXPOSE, touches), (REWARD, rewards)):
        for row in rows:
            cursor.execute(text, [_to_parameter(one) for one in row])


def _to_parameter(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def check_queries(dialect: str) -> tuple[CheckedMetric, CheckedSource]:
    """Read both tables since the start date, as customers' queries."""
    cased = str.upper if dialect == "snowflake" else str
    metric = check.check_metric_query(
        METRIC_SQL,
        {part: cased(column) for part, column in REWARD_COLUMNS.items()},
        dialect,
    )
    source = check.check_source_query(
        SOURCE_SQL,
        {part: cased(column) for part, column in EXPOSURE_COLUMNS.items()},
        dialect,
    )
    return metric, source
