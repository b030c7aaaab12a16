"""First touches kept by user: the same cells as from all the rows, also of rows long gone."""

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
from tests.support import cubes as law, reference_cube
from tests.support.cube_counting import ago, settled, users_by_day
from tests.support.cube_remembering import A, refreshed, seen, store, time_passes
from tests.support.reference_cube import Reward, Touch
from warehouse.backends import managed
from warehouse.models import ManagedExposure
from warehouse.sql.cube.statement import CubeSpec

# The cube reads through a connection of its own: events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

_organizations = itertools.count(1)


def by_hand(
    optimization: Optimization, touches: Sequence[Touch], rewards: Sequence[Reward]
) -> dict[str, Any]:
    """Count everything by brute force."""
    metric = optimization.reward_metric
    assert metric is not None
    spec = specification.of(optimization, metric, timezone.now())
    days = tuple(ago(back).date() for back in range(12))
    return _comparable(reference_cube.cube(replace(spec, days=days), touches, rewards))


def _comparable(found: Any) -> dict[str, Any]:
    return {
        "cells": sorted(found.cells, key=repr),
        "lags": found.lags,
        "crossover": found.crossover_users,
    }


CALM = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@CALM
@given(
    law.SPECS,
    st.lists(law.EXPOSURES | law.RECEIPTS, max_size=12),
    st.lists(law.EXPOSURES, max_size=4),
    st.lists(law.REWARDS, max_size=8),
    st.lists(law.GRID, min_size=1, max_size=3),
)
def test_what_is_remembered_changes_no_cell(
    spec: CubeSpec,
    touches: list[Touch],
    late_touches: list[Touch],
    rewards: list[Reward],
    moments: list[datetime],
) -> None:
    mine, organization = uuid.uuid4(), f"org_memory_{next(_organizations)}"
    optimization = Optimization(pk=mine, organization_id=organization)
    spec = replace(spec, optimization_id=str(mine), organization_id=organization)
    rewards = [replace(one, optimization_id=None) for one in rewards]

    store(optimization, touches, rewards)
    first_touches.keep(optimization, moments[0])
    store(optimization, late_touches)
    for moment in moments[1:]:
        first_touches.keep(optimization, moment)
    first_touches.keep(optimization, moments[0])
    found = managed.of(organization).observe(spec, law.METRIC)

    expected = reference_cube.cube(spec, [*touches, *late_touches], rewards)
    assert law.comparable(found) == law.comparable(expected)
    assert LookBack.objects.get(pk=mine).until == max(moments)


USERS = st.sampled_from(["u1", "u2", "u3"])
PAST = st.integers(0, 9 * 4).map(lambda sixth: timedelta(hours=6 * sixth, minutes=7))


@CALM
@given(
    st.lists(st.tuples(USERS, PAST, st.booleans()), max_size=10),
    st.lists(st.tuples(USERS, PAST), max_size=3),
    st.lists(USERS, max_size=1),
    st.lists(st.tuples(USERS, PAST, st.booleans()), max_size=5),
)
def test_refreshing_as_rows_come_equals_counting_them_all_at_once(
    first: list[tuple[str, timedelta, bool]],
    late_exposures: list[tuple[str, timedelta]],
    served_now: list[str],
    rewards: list[tuple[str, timedelta, bool]],
) -> None:
    optimization = settled()
    now = timezone.now()
    touches = [
        Touch(user, now - back, A, "{}", 0, served, False if served else None)
        for user, back, served in first
    ]
    came = [Touch(user, now - back, A, "{}", 0) for user, back in late_exposures]
    came += [replace(seen(user, 0, served=True), at=now) for user in served_now]
    bought = [Reward(user, now - back) for user, back, _ in rewards]
    sooner = [
        one
        for one, (_, _, late_one) in zip(bought, rewards, strict=True)
        if not late_one
    ]
    later = [
        one for one, (_, _, late_one) in zip(bought, rewards, strict=True) if late_one
    ]

    store(optimization, touches, sooner)
    refreshed(optimization)
    time_passes()
    store(optimization, came, later)
    observed = refreshed(optimization)

    assert _comparable(observed) == by_hand(optimization, [*touches, *came], bought)


def test_first_touches_are_kept_when_their_days_are_sealed() -> None:
    optimization = settled()
    store(optimization, [seen("ann", 6), seen("ann", 5), seen("bob", 0.1)])

    refreshed(optimization)

    kept = FirstTouch.objects.get()
    assert (kept.anonymous_id, kept.touched_at.date()) == ("ann", ago(6).date())
    assert kept.served_at is None
    assert LookBack.objects.get().until <= ago(2)


def test_who_comes_back_after_sealing_is_not_counted_again() -> None:
    optimization = settled()
    store(optimization, [seen("ann", 6)])
    refreshed(optimization)
    time_passes()
    store(optimization, [seen("ann", 0.1), seen("bob", 0.1)])

    observed = refreshed(optimization)

    assert users_by_day(observed) == {ago(6).date(): 1, ago(0.1).date(): 1}


def test_late_rows_are_remembered_and_open_both_days() -> None:
    optimization = settled()
    store(optimization, [seen("ann", 5), seen("bob", 5)])
    refreshed(optimization)
    time_passes()
    store(optimization, [seen("ann", 7)])

    observed = refreshed(optimization)

    assert users_by_day(observed) == {ago(7).date(): 1, ago(5).date(): 1}
    assert FirstTouch.objects.get(anonymous_id="ann").touched_at.date() == ago(7).date()


def test_a_first_serve_moves_its_user_out_of_a_sealed_day() -> None:
    optimization = settled()
    store(optimization, [seen("ann", 6), seen("bob", 6)])
    refreshed(optimization)
    time_passes()
    store(optimization, [seen("ann", 0, served=True)])

    observed = refreshed(optimization)

    assert users_by_day(observed) == {ago(6).date(): 1, ago(0).date(): 1}


def test_sealed_days_outlive_their_events_and_are_never_counted_again() -> None:
    optimization = settled()
    kept_days = django_settings.RETENTION_DAYS
    old = [seen("ann", kept_days - 1), seen("bob", kept_days - 1), seen("cid", 3)]
    store(optimization, old, [Reward("ann", ago(kept_days - 1))])
    before = refreshed(optimization)
    time_passes()
    schedule.keep_partitions(timezone.now() + timedelta(days=2))
    store(optimization, [seen("ann", 0.1)])

    after = [refreshed(optimization), refreshed(optimization, full=True)]

    assert not ManagedExposure.objects.filter(anonymous_id="bob").exists()
    assert users_by_day(before) == {ago(kept_days - 1).date(): 2, ago(3).date(): 1}
    assert [users_by_day(each) for each in after] == [users_by_day(before)] * 2
    assert [sum(c.converted for c in each.cells) for each in after] == [1, 1]
    stored = CubeDay.objects.get(day=ago(kept_days - 1).date())
    assert stored.computed_at < ago(0.01)
    assert storage.read(stored.day, stored.cells) is not None


def test_another_organization_sees_nothing_of_what_is_remembered() -> None:
    mine, theirs = settled(), settled()
    store(theirs, [seen("ann", 6)])
    refreshed(theirs)
    with managed.of(mine.organization_id)._reading(seconds=5) as cursor:
        cursor.execute("SELECT count(*) FROM managed_dw.first_touches")
        touches = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM managed_dw.look_backs")
        marks = cursor.fetchone()

    assert (touches, marks) == ((0,), (0,))
    assert FirstTouch.objects.count() == 1


def test_the_moment_until_which_is_kept_is_the_start_of_the_first_open_day() -> None:
    as_of = datetime(2026, 3, 9, 12, tzinfo=UTC)

    until = stale_days_managed.sealable_until(24, as_of)

    assert until == datetime(2026, 3, 7, tzinfo=UTC)
    assert stale_days_managed.is_sealed(date(2026, 3, 6), 24, as_of)
    assert not stale_days_managed.is_sealed(date(2026, 3, 7), 24, as_of)
