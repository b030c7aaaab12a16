"""Erased people leave anonymous counts: no later recount changes a sealed figure."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import Metric
from optimizations.cube import (
    cell_columns,
    erased_remainders,
    person_erasure,
    refresh,
    specification,
)
from optimizations.models import CubeDay, ErasedRemainder, Optimization
from optimizations.results.readings import report
from tests.support import (
    cube_comparison,
    optimization_factories,
    reference_cube,
    warehouse_events,
)
from tests.support.cube_events import hour_of_day_back, make_optimization
from tests.support.reference_cube import Reward, Touch
from warehouse.models import ManagedReward
from warehouse.sql.cube.statement import Cube, decode_cube

pytestmark = pytest.mark.django_db(transaction=True)

A, B = (f'{{"cta":false,"headline":"{level}"}}' for level in "AB")
OUTCOMES = [
    {"key": "buy", "weight": 3.0, "match": {"by": "name", "value": "purchase"}},
    {"key": "lead", "weight": 0.5, "match": {"by": "name", "value": "signup"}},
]
MAPPING = {"anonymous_id": "anonymous_id", "timestamp": "timestamp_utc"}
METRICS: dict[str, dict[str, Any]] = {
    "bool": {
        "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards",
        "column_mapping": MAPPING | {"reward_type": "bool"},
    },
    "numeric": {
        "sql": "SELECT anonymous_id, timestamp_utc, value FROM managed_dw.rewards",
        "column_mapping": MAPPING | {"value": "value", "reward_type": "numeric"},
    },
    "outcomes": {
        "sql": "SELECT anonymous_id, timestamp_utc, name FROM managed_dw.rewards",
        "column_mapping": MAPPING | {"name": "name", "reward_type": "bool"},
        "outcomes": OUTCOMES,
    },
}
TOUCHED_AT = hour_of_day_back(6)
HISTORY = [
    Touch("ann", TOUCHED_AT, A, '{"device":"mobile"}', 0),
    Touch("ann", TOUCHED_AT + timedelta(hours=2), B, '{"device":"mobile"}', 0),
    Touch("ben", TOUCHED_AT, A, '{"device":"mobile"}', 0),
    Touch("cid", TOUCHED_AT, B, "{}", 1),
    Touch("dan", TOUCHED_AT - timedelta(days=1), A, "{}", None),
    Touch("eve", TOUCHED_AT, A, "{}", 2, served=True, in_holdout=False),
]
REWARDS = [
    Reward("ann", TOUCHED_AT + timedelta(hours=1), 0.25, "signup"),
    Reward("ann", TOUCHED_AT + timedelta(hours=5), 2.5),
    Reward("ben", TOUCHED_AT + timedelta(hours=3), 7.0),
    Reward("dan", TOUCHED_AT - timedelta(hours=20), 1.5),
    Reward("eve", TOUCHED_AT + timedelta(hours=4), -1.0),
]
ERASED = ("ann", "dan", "eve")


def _make_world(kind: str, holdout: float = 20) -> Optimization:
    """Make an optimization with a history and a reward metric of a type."""
    organization = optimization_factories.make_organization()
    metric = optimization_factories.make_metric(organization, **METRICS[kind])
    config = optimization_factories.make_config(
        reward={"name": "purchase", "type": kind}
    )
    optimization = optimization_factories.make_optimization(
        organization,
        holdout_percentage=holdout,
        reward_metric_id=metric.pk,
        training_data_config=config,
    )
    warehouse_events.store_events(
        organization.pk, str(optimization.pk), HISTORY, REWARDS
    )
    return optimization


def _refresh(optimization: Optimization, metric: Metric, *, full: bool = False) -> None:
    refresh.count_open_days(optimization, metric, timezone.now(), full=full)


def _erase(optimization: Optimization, *users: str) -> None:
    for user in users:
        person_erasure.erase_user(optimization.organization_id, user, SYSTEM_ACTOR)


def _load_cube(optimization: Optimization, metric: Metric) -> dict[str, Any]:
    """Return the stored counts in a form to compare."""
    cube = refresh.load_cube(optimization, metric)
    checks = (cube.crossover_users, cube.arm_mismatch_users)
    amounts = [cell_columns.build_amounts(day) or () for day in cube.days]
    return cube_comparison.normalize_cube(
        Cube(cube.cells, cube.lags, *checks, 0, amounts=tuple(chain(*amounts)))
    )


def _count_by_brute_force(
    optimization: Optimization, metric: Metric, history: list[Touch] = HISTORY
) -> dict[str, Any]:
    spec = specification.build_cube_spec(optimization, metric, timezone.now())
    days = {touch.at.date() for touch in history}
    spec = replace(spec, days=tuple(sorted(days)))
    cube = reference_cube.build_reference_cube(spec, history, REWARDS)
    return cube_comparison.normalize_cube(replace(cube, days=()))


def _reopen_by_late_row(optimization: Optimization, metric: Metric) -> None:
    late = Touch("cid", TOUCHED_AT + timedelta(minutes=1), B, "{}", 1)
    warehouse_events.store_events(
        optimization.organization_id, str(optimization.pk), [late]
    )
    _refresh(optimization, metric)


def _recount_in_full(optimization: Optimization, metric: Metric) -> None:
    _refresh(optimization, metric, full=True)


def _count_first(optimization: Optimization, metric: Metric) -> None:
    CubeDay.objects.filter(metric=metric).delete()
    _refresh(optimization, metric)


RECOUNTS = [_recount_in_full, _count_first, _reopen_by_late_row]


@pytest.mark.parametrize("recount", RECOUNTS)
@pytest.mark.parametrize("kind", METRICS)
def test_no_recount_changes_sealed_counts_of_erased_people(
    kind: str, recount: Callable[[Optimization, Metric], None]
) -> None:
    optimization = _make_world(kind)
    metric = optimization.reward_metric
    assert metric is not None
    _refresh(optimization, metric)
    before = _load_cube(optimization, metric)

    _erase(optimization, *ERASED)
    recount(optimization, metric)

    history = HISTORY
    if recount is _reopen_by_late_row:
        late = Touch("cid", TOUCHED_AT + timedelta(minutes=1), B, "{}", 1)
        history = [*HISTORY, late]
    else:
        assert _load_cube(optimization, metric) == before
    assert _load_cube(optimization, metric) == _count_by_brute_force(
        optimization, metric, history
    )


@pytest.mark.parametrize("kind", METRICS)
def test_the_printed_sql_counts_erased_people_too(kind: str) -> None:
    optimization = _make_world(kind)
    metric = optimization.reward_metric
    assert metric is not None
    _refresh(optimization, metric)
    _erase(optimization, *ERASED)
    (printed,) = report.build_statements(optimization)

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT set_config('levered.organization_id', %s, true)",
            [optimization.organization_id],
        )
        cursor.execute(printed.statement.replace("%", "%%"), [])
        rows = cursor.fetchall()
        cursor.execute("ROLLBACK")

    spec = specification.build_cube_spec(optimization, metric, timezone.now())
    cube = replace(decode_cube(rows, spec), days=())
    assert cube_comparison.normalize_cube(cube) == _load_cube(optimization, metric)


def test_metrics_counted_after_an_erasure_agree_with_the_reward() -> None:
    optimization = _make_world("numeric")
    metric = optimization.reward_metric
    assert metric is not None
    organization = optimization.organization
    unused = optimization_factories.make_metric(organization, **METRICS["bool"])
    _refresh(optimization, metric)
    before = _load_cube(optimization, metric)
    _erase(optimization, *ERASED)
    twin = optimization_factories.make_metric(organization, **METRICS["numeric"])

    for counted in (twin, unused):
        _refresh(optimization, counted)

    assert _load_cube(optimization, twin) == before
    assert _load_cube(optimization, unused) == _count_by_brute_force(
        optimization, unused
    )


def test_a_remainder_names_nobody_and_adds_people_of_a_cell_up() -> None:
    optimization = _make_world("numeric", holdout=0)
    _erase(optimization, "ann", "ben")

    remainder = ErasedRemainder.objects.get()

    cells = [row for row in remainder.rows if row["kind"] == "cell"]
    text = json.dumps(remainder.rows)
    assert [(cell["users"], cell["value_sum"]) for cell in cells] == [(2, 9.75)]
    assert remainder.day == TOUCHED_AT.date()
    assert not any(name in text for name in ("ann", "ben", ":00"))
    assert {field.name for field in ErasedRemainder._meta.fields}.isdisjoint(
        {"created_at", "anonymous_id"}
    )


def test_open_days_are_counted_without_the_person_and_leave_no_remainder() -> None:
    optimization = make_optimization()
    metric = optimization.reward_metric
    assert metric is not None
    at = timezone.now() - timedelta(hours=3)
    touches = [Touch(user, at, A, "{}", 0) for user in ("ann", "ben")]
    owner = (optimization.organization_id, str(optimization.pk))
    warehouse_events.store_events(*owner, touches)

    _erase(optimization, "ann")
    _refresh(optimization, metric)

    assert not ErasedRemainder.objects.exists()
    cube = refresh.load_cube(optimization, metric)
    assert sum(cell.users for cell in cube.cells) == 1


def test_a_broken_metric_keeps_nobody_from_being_erased() -> None:
    optimization = _make_world("bool")
    optimization_factories.make_metric(
        optimization.organization,
        sql="SELECT anonymous_id, timestamp_utc, CAST(name AS integer) AS value"
        " FROM managed_dw.rewards",
        column_mapping=METRICS["numeric"]["column_mapping"],
    )

    _erase(optimization, "ann")

    assert ErasedRemainder.objects.count() == 1
    assert not ManagedReward.objects.filter(anonymous_id="ann").exists()


def test_erasing_twice_adds_no_second_remainder() -> None:
    optimization = _make_world("bool")
    metric = optimization.reward_metric
    assert metric is not None
    _refresh(optimization, metric)
    before = _load_cube(optimization, metric)

    _erase(optimization, "ann", "ann")
    _refresh(optimization, metric, full=True)

    assert _load_cube(optimization, metric) == before


def test_remainders_go_with_the_events_of_their_day() -> None:
    optimization = _make_world("bool")
    _erase(optimization, "ann", "dan")

    erased_remainders.delete_remainders_before(TOUCHED_AT.date())

    days = list(ErasedRemainder.objects.values_list("day", flat=True))
    assert days == [TOUCHED_AT.date()]
