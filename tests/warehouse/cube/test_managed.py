"""The managed store's cube against a brute-force reference of STATISTICS section 1."""

import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.support import warehouse_events
from tests.support.cube_comparison import (
    EXPOSURES,
    RECEIPTS,
    REWARDS,
    SPEC,
    SPECS,
    START,
    A,
    B,
    compute_both_cubes,
    get_only_cell,
    normalize_cube,
)
from tests.support.reference_cube import Reward, Touch
from tests.support.warehouse_events import parse_moment
from warehouse.backends import managed
from warehouse.sql.customer import check
from warehouse.sql.shapes import (
    ContextFactor,
    CubeSpec,
    RegimeSpan,
)

pytestmark = pytest.mark.django_db(transaction=True)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    SPECS,
    st.lists(EXPOSURES | RECEIPTS, max_size=14),
    st.lists(REWARDS, max_size=12),
    st.booleans(),
)
def test_any_history_is_counted_as_in_the_reference(
    spec: CubeSpec,
    touches: list[Touch],
    rewards: list[Reward],
    twice: bool,
) -> None:
    if twice:
        touches, rewards = touches * 2, rewards * 2

    cube, expected = compute_both_cubes(spec, touches, rewards)

    assert normalize_cube(cube) == normalize_cube(expected)
    assert cube.rows_read == expected.rows_read


def test_the_three_timelines_of_the_definition() -> None:
    spec = replace(SPEC, horizon_hours=168, as_of=START + timedelta(days=20))
    monday, wednesday = (
        parse_moment("2026-03-02 10:00"),
        parse_moment("2026-03-04 09:00"),
    )
    same_day = [Touch("u", monday, A, "{}", 1)]
    again = [*same_day, Touch("u", wednesday, B, "{}", 1)]
    late = [*same_day, Touch("u", parse_moment("2026-03-12 10:00"), A, "{}", 1)]
    evening = [Reward("u", parse_moment("2026-03-02 20:00"))]
    visit = [Reward("u", parse_moment("2026-03-04 11:00"))]
    first_touch = replace(spec, attribution="first_touch")

    cubes = [
        compute_both_cubes(spec, same_day, evening)[0],
        compute_both_cubes(spec, again, visit)[0],
        compute_both_cubes(first_touch, again, visit)[0],
        compute_both_cubes(spec, late, [Reward("u", parse_moment("2026-03-12 11:00"))])[
            0
        ],
    ]

    assert [get_only_cell(cube).converted for cube in cubes] == [1, 1, 0, 0]
    assert [get_only_cell(cube).day for cube in cubes] == [date(2026, 3, 2)] * 4
    assert [cube.crossover_users for cube in cubes] == [0, 1, 1, 0]


def test_the_serve_record_is_the_first_touch_and_exposures_are_counted_raw() -> None:
    at = parse_moment("2026-03-02 10:00")
    touches = [
        Touch("u", at - timedelta(hours=1), B, "{}", None),
        Touch("u", at, A, "{}", 4, served=True, in_holdout=False),
        Touch("u", at + timedelta(minutes=5), A, "{}", 4),
        Touch("u", at + timedelta(minutes=9), A, "{}", 4),
        Touch("served only", at, A, "{}", 4, served=True, in_holdout=False),
    ]

    cube, _ = compute_both_cubes(SPEC, touches)

    cell = get_only_cell(cube)
    assert (cell.users, cell.exposures, cell.policy_version) == (2, 3, 4)
    assert cube.crossover_users == 0


def test_a_user_first_touched_earlier_is_left_out_of_a_later_day() -> None:
    touches = [
        Touch("old", parse_moment("2026-03-01 10:00"), A, "{}", 1),
        Touch("old", parse_moment("2026-03-04 10:00"), A, "{}", 1),
        Touch("new", parse_moment("2026-03-04 10:00"), A, "{}", 1),
    ]

    cube, _ = compute_both_cubes(replace(SPEC, days=(date(2026, 3, 4),)), touches)

    assert get_only_cell(cube).users == 1


def test_a_reward_of_another_optimization_does_not_count() -> None:
    at = parse_moment("2026-03-02 10:00")
    other = str(uuid.uuid4())
    touches = [Touch(user, at, A, "{}", 1) for user in ("mine", "none", "other")]
    rewards = [
        Reward("mine", at, optimization_id="mine"),
        Reward("none", at),
        Reward("other", at, optimization_id=other),
    ]

    cube, _ = compute_both_cubes(SPEC, touches, rewards)

    assert get_only_cell(cube).converted == 2


def test_rows_without_id_or_number_are_dropped() -> None:
    at = parse_moment("2026-03-02 10:00")
    spec = replace(
        SPEC,
        reward_type="numeric",
        optimization_id=str(uuid.uuid4()),
        organization_id="org_rubbish",
    )
    users = ["2.5", "1e400", "NaN", "Infinity", "abc", "1e2"]
    metric = check.check_metric_query(
        "SELECT NULLIF(anonymous_id, '') AS who, timestamp_utc AS at,"
        " anonymous_id AS amount FROM managed_dw.rewards",
        {"anonymous_id": "who", "timestamp": "at", "value": "amount"},
    )
    warehouse_events.store_events(
        spec.organization_id,
        spec.optimization_id,
        [Touch(user, at, A, "{}", 1) for user in users],
        [Reward(user, at) for user in ("", *users)],
    )

    cube = managed.build_backend("org_rubbish").compute_cube(spec, metric)

    cell = get_only_cell(cube)
    assert (cell.users, cell.converted, cell.value_sum) == (6, 2, 102.5)


def test_a_logged_arm_that_contradicts_the_rule_is_a_mismatch() -> None:
    at = parse_moment("2026-03-02 10:00")
    everybody_in_holdout = (RegimeSpan(1, START, "ffffffff"),)
    touches = [
        Touch("says optimized", at, A, "{}", 1, served=True, in_holdout=False),
        Touch("says holdout", at, A, "{}", 1, served=True, in_holdout=True),
        Touch("shown another variant", at, B, "{}", 1),
        Touch("shown the baseline", at, A, "{}", 1),
    ]

    cube, _ = compute_both_cubes(replace(SPEC, regimes=everybody_in_holdout), touches)

    assert cube.arm_mismatch_users == 2
    assert all(cell.holdout for cell in cube.cells)


def test_context_values_are_compared_as_text() -> None:
    at = parse_moment("2026-03-02 10:00")
    contexts = (ContextFactor("age", ("1", "1.5")), ContextFactor("pro", ("true",)))
    sent = ['{"age":1.0,"pro":true}', '{"age":"1.50"}', '{"pro":"true","age":15e-1}']
    touches = [
        Touch(f"u{number}", at, A, context, 1) for number, context in enumerate(sent)
    ]

    cube, _ = compute_both_cubes(replace(SPEC, contexts=contexts), touches)

    assert sorted(cell.context for cell in cube.cells) == [0, 3, 8]
