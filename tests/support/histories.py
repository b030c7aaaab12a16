"""Random histories of a connected warehouse, their rows, and the queries that read them."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.cube_comparison import EXPOSURES, REWARDS, SPEC, SPECS, A, B
from tests.support.reference_cube import Reward, Touch
from warehouse.sql.customer import check
from warehouse.sql.shapes import CheckedMetric, CheckedSource, Cube, CubeSpec

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
DELETE_ALL = ("DELETE FROM exposures", "DELETE FROM rewards")
INSERT_EXPOSURE = "INSERT INTO exposures VALUES (?, ?, ?, ?, ?, ?)"
INSERT_REWARD = "INSERT INTO rewards VALUES (?, ?, ?, ?)"

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


def _add_second_factor(touch: Touch) -> Touch:
    """Give the variant a second factor, whose level is a number or a boolean."""
    level = {A: 1.5, B: True}.get(touch.variant, "other")
    variant = json.loads(touch.variant) | {"size": level}
    return replace(touch, variant=json.dumps(variant, separators=(",", ":")))


ONE_FACTOR_HISTORIES = st.tuples(SPECS, st.lists(EXPOSURES, max_size=14))
TWO_FACTOR_HISTORIES = st.tuples(
    SPECS.map(lambda spec: replace(spec, variants=TWO_FACTORS)),
    st.lists(EXPOSURES.map(_add_second_factor), max_size=14),
)
HISTORIES = st.tuples(
    st.one_of(ONE_FACTOR_HISTORIES, TWO_FACTOR_HISTORIES),
    st.lists(
        REWARDS.map(lambda reward: replace(reward, optimization_id=None)), max_size=12
    ),
).map(
    lambda history: (
        replace(history[0][0], optimization_id=OPTIMIZATION),
        history[0][1],
        history[1],
    )
)
Spelling = Callable[[str], str]
# Ways to write the JSON of a variant: as it is, indented, with its keys reversed.
ALL_SPELLINGS: tuple[Spelling, ...] = (
    str,
    lambda variant: json.dumps(json.loads(variant), indent=1),
    lambda variant: json.dumps(dict(reversed(json.loads(variant).items()))),
)
SPELLINGS = st.sampled_from(ALL_SPELLINGS)


def exposure_rows(
    touches: Sequence[Touch], spellings: Sequence[Spelling]
) -> list[tuple[object, ...]]:
    """Return exposures as rows, their variants in the given spellings.

    Adds rows without an id, and rows of another optimization.
    """
    rows: list[tuple[object, ...]] = [
        (
            touch.user,
            touch.at,
            OPTIMIZATION.upper() if number % 2 else OPTIMIZATION,
            spellings[number % len(spellings)](touch.variant),
            touch.context,
            touch.policy_version,
        )
        for number, touch in enumerate(touches)
    ]
    without_id = [(None, *row[1:]) for row in rows[:1]]
    of_others = [(*row[:2], "another", *row[3:]) for row in rows[:2]]
    return rows + without_id + of_others


def reward_rows(rewards: Sequence[Reward]) -> list[tuple[object, ...]]:
    """Return rewards as rows."""
    return [(reward.user, reward.at, reward.value, reward.name) for reward in rewards]


def fill_tables(
    cursor: Any, touches: Sequence[Touch], rewards: Sequence[Reward]
) -> None:
    """Store a history in Snowflake's two tables, its variants as they are."""
    replace_rows(cursor, exposure_rows(touches, [str]), reward_rows(rewards))


def replace_rows(
    cursor: Any,
    touches: Sequence[tuple[object, ...]],
    rewards: Sequence[tuple[object, ...]],
) -> None:
    """Replace the rows of Snowflake's two tables."""
    for statement in DELETE_ALL:
        cursor.execute(statement)
    for insert, rows in ((INSERT_EXPOSURE, touches), (INSERT_REWARD, rewards)):
        for row in rows:
            cursor.execute(insert, [_to_parameter(value) for value in row])


def _to_parameter(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def check_queries(dialect: str) -> tuple[CheckedMetric, CheckedSource]:
    """Return the checked queries of both tables; Snowflake's columns are upper case."""
    change_case = str.upper if dialect == "snowflake" else str
    metric = check.check_metric_query(
        METRIC_SQL,
        {part: change_case(column) for part, column in REWARD_COLUMNS.items()},
        dialect,
    )
    source = check.check_source_query(
        SOURCE_SQL,
        {part: change_case(column) for part, column in EXPOSURE_COLUMNS.items()},
        dialect,
    )
    return metric, source


def make_unread_history() -> tuple[CubeSpec, list[Touch], list[Reward]]:
    """Return seven users with one amount each, six of which are no finite numbers in range."""
    spec = replace(SPEC, optimization_id=OPTIMIZATION, reward_type="numeric")
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    values = [math.nan, math.nan, math.inf, -math.inf, 1e300, -1e200, 7.0]
    users = [f"user {number}" for number in range(len(values))]
    touches = [Touch(user, at, A, "", 1) for user in users]
    rewards = [
        Reward(user, at + timedelta(hours=1), value)
        for user, value in zip(users, values, strict=True)
    ]
    return spec, touches, rewards


def assert_unread_are_noted(cube: Cube) -> None:
    """Assert that a cube of `make_unread_history` counts and names what it cannot read."""
    (day,) = cube.days
    unread = [note for note in day.notes if note.kind == "unread_amounts"]
    assert sum(note.count for note in unread) == 6
    assert [note.count for note in unread][:1] == [2]
    assert unread[0].text.lower() == "nan"
    (cell,) = cube.cells
    assert (cell.users, cell.converted, cell.payers, cell.value_sum) == (7, 1, 1, 7.0)
