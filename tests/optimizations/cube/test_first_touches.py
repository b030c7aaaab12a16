"""Stored first touches give the same cells as all events do, also after events are gone."""

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies as st

from optimizations.cube import first_touches, specification, stale_days_managed, storage
from optimizations.models import CubeDay, FirstTouch, LookBack, Optimization
from optimizations.training import schedule
from tests.support import reference_cube
from tests.support.cube_comparison import (
    EXPOSURES,
    GRID,
    METRIC,
    RECEIPTS,
    REWARDS,
    SPECS,
    normalize_cube,
)
from tests.support.cube_events import (
    count_users_by_day,
    days_ago,
    make_optimization_without_context,
)
from tests.support.first_touch_events import (
    BASELINE_KEY,
    age_everything,
    make_touch,
    refresh_cube,
    store_events,
)
from tests.support.reference_cube import Reward, Touch
from warehouse.backends import managed
from warehouse.models import ManagedExposure
from warehouse.sql.cube.statement import CubeSpec

# The cube reads through its own connection, so events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

_organizations = itertools.count(1)


def count_by_hand(
    optimization: Optimization, touches: Sequence[Touch], rewards: Sequence[Reward]
) -> dict[str, Any]:
    """Return the reference cube, computed by brute force."""
    metric = optimization.reward_metric
    assert metric is not None
    spec = specification.build_cube_spec(optimization, metric, timezone.now())
    days = tuple(days_ago(back).date() for back in range(12))
    return _normalize(
        reference_cube.build_reference_cube(replace(spec, days=days), touches, rewards)
    )


def _normalize(cube: Any) -> dict[str, Any]:
    return {
        "cells": sorted(cube.cells, key=repr),
        "lags": cube.lags,
        "crossover": cube.crossover_users,
    }


SLOW_PROPERTY = settings(
    max_examples=36,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SLOW_PROPERTY
@given(
    SPECS,
    st.lists(EXPOSURES | RECEIPTS, max_size=12),
    st.lists(EXPOSURES, max_size=4),
    st.lists(REWARDS, max_size=8),
    st.lists(GRID, min_size=1, max_size=3),
)
def test_stored_first_touches_change_no_cell(
    spec: CubeSpec,
    touches: list[Touch],
    late_touches: list[Touch],
    rewards: list[Reward],
    moments: list[datetime],
) -> None:
    optimization_id, organization = uuid.uuid4(), f"org_memory_{next(_organizations)}"
    optimization = Optimization(pk=optimization_id, organization_id=organization)
    spec = replace(
        spec, optimization_id=str(optimization_id), organization_id=organization
    )
    rewards = [replace(reward, optimization_id=None) for reward in rewards]

    store_events(optimization, touches, rewards)
    first_touches.store_first_touches(optimization, moments[0])
    store_events(optimization, late_touches)
    for moment in moments[1:]:
        first_touches.store_first_touches(optimization, moment)
    first_touches.store_first_touches(optimization, moments[0])
    cube = managed.build_backend(organization).compute_cube(spec, METRIC)

    expected = reference_cube.build_reference_cube(
        spec, [*touches, *late_touches], rewards
    )
    assert normalize_cube(cube) == normalize_cube(expected)
    assert LookBack.objects.get(pk=optimization_id).until == max(moments)


USERS = st.sampled_from(["u1", "u2", "u3"])
PAST = st.integers(0, 9 * 4).map(lambda sixth: timedelta(hours=6 * sixth, minutes=7))


@SLOW_PROPERTY
@given(
    st.lists(st.tuples(USERS, PAST, st.booleans()), max_size=10),
    st.lists(st.tuples(USERS, PAST), max_size=3),
    st.lists(USERS, max_size=1),
    st.lists(st.tuples(USERS, PAST, st.booleans()), max_size=5),
)
def test_refreshing_as_rows_arrive_equals_counting_them_all_at_once(
    first: list[tuple[str, timedelta, bool]],
    late_exposures: list[tuple[str, timedelta]],
    served_now: list[str],
    rewards: list[tuple[str, timedelta, bool]],
) -> None:
    optimization = make_optimization_without_context()
    now = timezone.now()
    touches = [
        Touch(
            user, now - back, BASELINE_KEY, "{}", 0, served, False if served else None
        )
        for user, back, served in first
    ]
    late_touches = [
        Touch(user, now - back, BASELINE_KEY, "{}", 0) for user, back in late_exposures
    ]
    late_touches += [
        replace(make_touch(user, 0, served=True), at=now) for user in served_now
    ]
    early_rewards = [
        Reward(user, now - back) for user, back, late in rewards if not late
    ]
    late_rewards = [Reward(user, now - back) for user, back, late in rewards if late]

    store_events(optimization, touches, early_rewards)
    refresh_cube(optimization)
    age_everything()
    store_events(optimization, late_touches, late_rewards)
    cube = refresh_cube(optimization)

    assert _normalize(cube) == count_by_hand(
        optimization, [*touches, *late_touches], [*early_rewards, *late_rewards]
    )


def test_first_touches_are_stored_when_their_days_are_sealed() -> None:
    optimization = make_optimization_without_context()
    store_events(
        optimization,
        [make_touch("ann", 6), make_touch("ann", 5), make_touch("bob", 0.1)],
    )

    refresh_cube(optimization)

    touch = FirstTouch.objects.get()
    assert (touch.anonymous_id, touch.touched_at.date()) == ("ann", days_ago(6).date())
    assert touch.served_at is None
    assert LookBack.objects.get().until <= days_ago(2)


def test_a_user_who_returns_after_sealing_is_not_counted_again() -> None:
    optimization = make_optimization_without_context()
    store_events(optimization, [make_touch("ann", 6)])
    refresh_cube(optimization)
    age_everything()
    store_events(optimization, [make_touch("ann", 0.1), make_touch("bob", 0.1)])

    cube = refresh_cube(optimization)

    assert count_users_by_day(cube) == {
        days_ago(6).date(): 1,
        days_ago(0.1).date(): 1,
    }


def test_an_earlier_touch_is_stored_and_reopens_both_days() -> None:
    optimization = make_optimization_without_context()
    store_events(optimization, [make_touch("ann", 5), make_touch("bob", 5)])
    refresh_cube(optimization)
    age_everything()
    store_events(optimization, [make_touch("ann", 7)])

    cube = refresh_cube(optimization)

    assert count_users_by_day(cube) == {
        days_ago(7).date(): 1,
        days_ago(5).date(): 1,
    }
    assert (
        FirstTouch.objects.get(anonymous_id="ann").touched_at.date()
        == days_ago(7).date()
    )


def test_a_first_serve_moves_its_user_out_of_a_sealed_day() -> None:
    optimization = make_optimization_without_context()
    store_events(optimization, [make_touch("ann", 6), make_touch("bob", 6)])
    refresh_cube(optimization)
    age_everything()
    store_events(optimization, [make_touch("ann", 0, served=True)])

    cube = refresh_cube(optimization)

    assert count_users_by_day(cube) == {
        days_ago(6).date(): 1,
        days_ago(0).date(): 1,
    }


def test_sealed_days_outlive_their_events_and_are_never_counted_again() -> None:
    optimization = make_optimization_without_context()
    retention_days = django_settings.RETENTION_DAYS
    old = [
        make_touch("ann", retention_days - 1),
        make_touch("bob", retention_days - 1),
        make_touch("cid", 3),
    ]
    store_events(optimization, old, [Reward("ann", days_ago(retention_days - 1))])
    before = refresh_cube(optimization)
    age_everything()
    schedule.maintain_partitions(timezone.now() + timedelta(days=2))
    store_events(optimization, [make_touch("ann", 0.1)])

    after = [refresh_cube(optimization), refresh_cube(optimization, full=True)]

    assert not ManagedExposure.objects.filter(anonymous_id="bob").exists()
    assert count_users_by_day(before) == {
        days_ago(retention_days - 1).date(): 2,
        days_ago(3).date(): 1,
    }
    assert [count_users_by_day(cube) for cube in after] == [
        count_users_by_day(before)
    ] * 2
    assert [sum(cell.converted for cell in cube.cells) for cube in after] == [1, 1]
    stored = CubeDay.objects.get(day=days_ago(retention_days - 1).date())
    assert stored.computed_at < days_ago(0.01)
    assert storage.decode_day(stored.day, stored.cells) is not None


def test_another_organization_sees_no_stored_first_touches() -> None:
    own = make_optimization_without_context()
    other = make_optimization_without_context()
    store_events(other, [make_touch("ann", 6)])
    refresh_cube(other)
    with managed.build_backend(own.organization_id)._open_cursor(seconds=5) as cursor:
        cursor.execute("SELECT count(*) FROM managed_dw.first_touches")
        touches = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM managed_dw.look_backs")
        marks = cursor.fetchone()

    assert (touches, marks) == ((0,), (0,))
    assert FirstTouch.objects.count() == 1


def test_the_seal_boundary_is_the_start_of_the_first_open_day() -> None:
    as_of = datetime(2026, 3, 9, 12, tzinfo=UTC)

    until = stale_days_managed.compute_seal_boundary(24, as_of)

    assert until == datetime(2026, 3, 7, tzinfo=UTC)
    assert stale_days_managed.is_sealed(date(2026, 3, 6), 24, as_of)
    assert not stale_days_managed.is_sealed(date(2026, 3, 7), 24, as_of)
