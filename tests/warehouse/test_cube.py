"""The cube counts as STATISTICS section 1 says: against a brute-force reference."""

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.warehouse import events, reference
from tests.warehouse.events import moment
from tests.warehouse.reference import Reward, Touch
from warehouse.backends import managed
from warehouse.sql import customer
from warehouse.sql.shapes import (
    Cell,
    ContextFactor,
    Cube,
    CubeSpec,
    OutcomeRule,
    RegimeSpan,
)

pytestmark = pytest.mark.django_db(transaction=True)

A, B, C = ('{"headline":"%s"}' % level for level in "abc")  # noqa: UP031 - JSON braces
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = tuple(date(2026, 3, day) for day in range(1, 6))
OUTCOMES = (
    OutcomeRule("buy", 3.0, "name", "purchase"),
    OutcomeRule("lead", 0.5, "name", "signup"),
    OutcomeRule("big", 9.0, "value", 2.5),
)
METRIC = customer.metric(
    "SELECT anonymous_id AS who, timestamp_utc AS at, value AS amount, name AS label"
    " FROM managed_dw.rewards WHERE timestamp_utc >= @start_date",
    {"anonymous_id": "who", "timestamp": "at", "value": "amount", "name": "label"},
)
SPEC = CubeSpec(
    optimization_id="",
    organization_id="",
    variants=((1, A), (2, B)),
    contexts=(),
    reward_type="bool",
    outcomes=(),
    attribution="last_touch",
    window_hours=24,
    horizon_hours=24,
    regimes=(RegimeSpan(1, START, "00000000"),),
    excluded_users=(),
    days=DAYS,
    as_of=START + timedelta(days=5),
)
_organizations = itertools.count(1)


def observed(
    spec: CubeSpec, touches: Sequence[Touch], rewards: Sequence[Reward] = ()
) -> tuple[Cube, Cube]:
    """Store a history of its own; return the statement's cube and the reference's."""
    mine = str(uuid.uuid4())
    spec = replace(
        spec, optimization_id=mine, organization_id=f"org_{next(_organizations)}"
    )
    rewards = [
        replace(one, optimization_id=mine) if one.optimization_id == "mine" else one
        for one in rewards
    ]
    events.store(spec.organization_id, mine, touches, rewards)
    found = managed.of(spec.organization_id).observe(spec, METRIC)
    return found, reference.cube(spec, touches, rewards)


def comparable(cube: Cube) -> dict[str, Any]:
    """Order cells, and round what logarithms leave behind."""
    cells = [
        replace(
            cell,
            log_sum=round(cell.log_sum, 9),
            log_sum_squares=round(cell.log_sum_squares, 9),
        )
        for cell in cube.cells
    ]
    return {
        "cells": sorted(cells, key=repr),
        "lags": cube.lags,
        "crossover": cube.crossover_users,
        "mismatch": cube.arm_mismatch_users,
        "read": cube.rows_read,
        "days": cube.days,
    }


def only_cell(cube: Cube) -> Cell:
    """Expect one cell."""
    (cell,) = cube.cells
    return cell


GRID = st.integers(0, 5 * 48).map(lambda half: START + timedelta(minutes=30 * half))
OFFSETS = st.sampled_from(
    [UTC, timezone(timedelta(hours=-9)), timezone(timedelta(hours=5, minutes=30))]
)
MOMENTS = st.builds(lambda at, zone: at.astimezone(zone), GRID, OFFSETS)
USERS = st.sampled_from(["u1", "u2", "u3", "bot-1", "Ü4"])
CONTEXTS = st.sampled_from(
    [
        '{"device":"mobile","age":1}',
        '{"device":"tv","age":1.50}',
        '{"device":true,"age":"1.5"}',
        '{"device":null}',
        "{}",
        "",
        '{"age":[1],"device":"mobile"}',
    ]
)
EXPOSURES = st.builds(
    Touch,
    USERS,
    MOMENTS,
    st.sampled_from([A, B, C]),
    CONTEXTS,
    st.sampled_from([None, 0, 3]),
)
RECEIPTS = st.builds(
    Touch,
    USERS,
    MOMENTS,
    st.sampled_from([A, B]),
    CONTEXTS,
    st.sampled_from([0, 3]),
    st.just(value=True),
    st.booleans(),
)
REWARDS = st.builds(
    Reward,
    USERS,
    MOMENTS,
    st.sampled_from([1.0, 0.25, 2.5, -1.5, 0.0, 1024.0]),
    st.sampled_from(["purchase", "signup", "other"]),
    st.sampled_from([None, "mine", str(uuid.UUID(int=7))]),
)
REGIMES = st.lists(
    st.tuples(
        st.integers(0, 9).map(lambda half: START + timedelta(hours=12 * half)),
        st.sampled_from(["00000000", "4ccccccd", "80000000"]),
    ),
    min_size=1,
    max_size=3,
).map(
    lambda spans: tuple(
        RegimeSpan(number, at, threshold)
        for number, (at, threshold) in enumerate(sorted(spans), start=1)
    )
)
WINDOWS = st.sampled_from([(1, 1), (1, 30), (24, 24), (24, 48), (2, 3)])
SPECS = st.builds(
    lambda windows, **rest: replace(
        SPEC, window_hours=windows[0], horizon_hours=windows[1], **rest
    ),
    WINDOWS,
    contexts=st.sampled_from(
        [
            (),
            (
                ContextFactor("device", ("mobile", "true")),
                ContextFactor("age", ("1", "1.5", "x")),
            ),
        ]
    ),
    reward_type=st.sampled_from(["bool", "numeric", "outcomes"]),
    outcomes=st.just(OUTCOMES),
    attribution=st.sampled_from(["last_touch", "first_touch"]),
    regimes=REGIMES,
    excluded_users=st.sampled_from([(), ("u1", "bot-*"), ("nobody",)]),
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    as_of=GRID,
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    SPECS,
    st.lists(EXPOSURES | RECEIPTS, max_size=14),
    st.lists(REWARDS, max_size=12),
    st.booleans(),
)
def test_any_history_is_counted_as_the_reference_counts_it(
    spec: CubeSpec,
    touches: list[Touch],
    rewards: list[Reward],
    twice: bool,
) -> None:
    if twice:
        touches, rewards = touches * 2, rewards * 2

    found, expected = observed(spec, touches, rewards)

    assert comparable(found) == comparable(expected)


def test_the_three_timelines_of_the_definition() -> None:
    spec = replace(SPEC, horizon_hours=168, as_of=START + timedelta(days=20))
    monday, wednesday = moment("2026-03-02 10:00"), moment("2026-03-04 09:00")
    same_day = [Touch("u", monday, A, "{}", 1)]
    again = [*same_day, Touch("u", wednesday, B, "{}", 1)]
    late = [*same_day, Touch("u", moment("2026-03-12 10:00"), A, "{}", 1)]
    evening = [Reward("u", moment("2026-03-02 20:00"))]
    visit = [Reward("u", moment("2026-03-04 11:00"))]
    first_touch = replace(spec, attribution="first_touch")

    found = [
        observed(spec, same_day, evening)[0],
        observed(spec, again, visit)[0],
        observed(first_touch, again, visit)[0],
        observed(spec, late, [Reward("u", moment("2026-03-12 11:00"))])[0],
    ]

    assert [only_cell(cube).converted for cube in found] == [1, 1, 0, 0]
    assert [only_cell(cube).day for cube in found] == [date(2026, 3, 2)] * 4
    assert [cube.crossover_users for cube in found] == [0, 1, 1, 0]


def test_serve_record_is_the_first_touch_and_exposures_are_counted_raw() -> None:
    at = moment("2026-03-02 10:00")
    touches = [
        Touch("u", at - timedelta(hours=1), B, "{}", None),
        Touch("u", at, A, "{}", 4, served=True, in_holdout=False),
        Touch("u", at + timedelta(minutes=5), A, "{}", 4),
        Touch("u", at + timedelta(minutes=9), A, "{}", 4),
        Touch("served only", at, A, "{}", 4, served=True, in_holdout=False),
    ]

    found, _ = observed(SPEC, touches)

    cell = only_cell(found)
    assert (cell.users, cell.exposures, cell.policy_version) == (2, 3, 4)
    assert found.crossover_users == 0


def test_user_of_an_earlier_day_is_left_out_of_a_later_one() -> None:
    touches = [
        Touch("old", moment("2026-03-01 10:00"), A, "{}", 1),
        Touch("old", moment("2026-03-04 10:00"), A, "{}", 1),
        Touch("new", moment("2026-03-04 10:00"), A, "{}", 1),
    ]

    found, _ = observed(replace(SPEC, days=(date(2026, 3, 4),)), touches)

    assert only_cell(found).users == 1


def test_reward_sent_for_another_optimization_does_not_count() -> None:
    at = moment("2026-03-02 10:00")
    other = str(uuid.uuid4())
    touches = [Touch(user, at, A, "{}", 1) for user in ("mine", "none", "other")]
    rewards = [
        Reward("mine", at, optimization_id="mine"),
        Reward("none", at),
        Reward("other", at, optimization_id=other),
    ]

    found, _ = observed(SPEC, touches, rewards)

    assert only_cell(found).converted == 2


def test_rows_without_id_or_number_are_dropped() -> None:
    at = moment("2026-03-02 10:00")
    spec = replace(
        SPEC,
        reward_type="numeric",
        optimization_id=str(uuid.uuid4()),
        organization_id="org_rubbish",
    )
    users = ["2.5", "1e400", "NaN", "Infinity", "abc", "1e2"]
    metric = customer.metric(
        "SELECT NULLIF(anonymous_id, '') AS who, timestamp_utc AS at,"
        " anonymous_id AS amount FROM managed_dw.rewards",
        {"anonymous_id": "who", "timestamp": "at", "value": "amount"},
    )
    events.store(
        spec.organization_id,
        spec.optimization_id,
        [Touch(user, at, A, "{}", 1) for user in users],
        [Reward(user, at) for user in ("", *users)],
    )

    found = managed.of("org_rubbish").observe(spec, metric)

    cell = only_cell(found)
    assert (cell.users, cell.converted, cell.value_sum) == (6, 2, 102.5)


def test_logged_arm_that_is_not_the_rules_is_a_mismatch() -> None:
    at = moment("2026-03-02 10:00")
    everybody_held_out = (RegimeSpan(1, START, "ffffffff"),)
    touches = [
        Touch("says optimized", at, A, "{}", 1, served=True, in_holdout=False),
        Touch("says holdout", at, A, "{}", 1, served=True, in_holdout=True),
        Touch("shown another variant", at, B, "{}", 1),
        Touch("shown the baseline", at, A, "{}", 1),
    ]

    found, _ = observed(replace(SPEC, regimes=everybody_held_out), touches)

    assert found.arm_mismatch_users == 2
    assert all(cell.holdout for cell in found.cells)


def test_context_values_are_compared_as_text() -> None:
    at = moment("2026-03-02 10:00")
    contexts = (ContextFactor("age", ("1", "1.5")), ContextFactor("pro", ("true",)))
    sent = ['{"age":1.0,"pro":true}', '{"age":"1.50"}', '{"pro":"true","age":15e-1}']
    touches = [
        Touch(f"u{number}", at, A, context, 1) for number, context in enumerate(sent)
    ]

    found, _ = observed(replace(SPEC, contexts=contexts), touches)

    assert sorted(cell.context for cell in found.cells) == [0, 3, 8]
