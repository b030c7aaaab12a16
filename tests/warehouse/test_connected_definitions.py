"""Metrics of a connected Postgres: one start date, and each regime its own revision."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from metrics.models import Metric
from optimizations.cube import cell_columns, new_rows, refresh, specification
from optimizations.models import CubeDay, Optimization, Regime
from tests.support.cube_comparison import normalize_cube
from tests.support.reference_cube import Reward, Touch, build_reference_cube
from tests.support.second_postgres import SecondServer
from tests.support.shop import launch_optimization
from warehouse.sql.cube.statement import Cell, Cube

pytestmark = pytest.mark.django_db(transaction=True)

KEY = '{"cta":false,"headline":"A"}'
FIRST_ORDER = (
    'SELECT "user", min(at) AS at FROM public.bought WHERE at >= @start_date GROUP BY 1'
)
LABELED = (
    "SELECT \"user\", at FROM public.bought WHERE label = '{}' AND at >= @start_date"
)


def make_visits(seed: str, days: Sequence[float]) -> tuple[list[Touch], list[Reward]]:
    """Make users touched so many days ago who order and return goods."""
    rng = random.Random(seed)  # noqa: S311 - events, not secrets
    touches, rewards = [], []
    for number in range(40):
        user = f"{seed}-{number}"
        at = timezone.now() - timedelta(days=rng.choice(days))
        touches.append(Touch(user, at, KEY, "{}", 0))
        for name in ("order", "return"):
            for _ in range(rng.randrange(3)):
                bought_at = at + timedelta(hours=rng.uniform(-30, 20))
                bought_at = min(bought_at, timezone.now())
                rewards.append(Reward(user, bought_at, 1.0, name))
    return touches, rewards


def normalize(cells: Sequence[Cell]) -> object:
    """Return cells in one order."""
    return normalize_cube(Cube(tuple(cells), (), 0, 0, 0))["cells"]


def test_a_first_order_is_the_same_at_every_refresh(second: SecondServer) -> None:
    _, body = launch_optimization(second)
    Metric.objects.update(sql=FIRST_ORDER)
    optimization, metric = Optimization.objects.get(), Metric.objects.get()
    touches: list[Touch] = []
    rewards: list[Reward] = []

    def store_and_compare(seed: str, days: Sequence[float], as_of: datetime) -> None:
        visits = make_visits(seed, days)
        second.store(body["id"], *visits)
        touches.extend(visits[0])
        rewards.extend(visits[1])
        cells = refresh.refresh_cube(optimization, metric, as_of).cells
        first_day = min(touch.at for touch in touches).astimezone(UTC).date()
        start = datetime.combine(first_day, time(), UTC)
        first: dict[str, Reward] = {}
        for reward in sorted(rewards, key=lambda reward: reward.at):
            if reward.at >= start:
                first.setdefault(reward.user, reward)
        spec = specification.build_cube_spec(optimization, metric, as_of)
        spec = replace(spec, days=refresh.list_stored_days(optimization, metric))
        expected = build_reference_cube(spec, touches, list(first.values())).cells
        assert normalize(cells) == normalize(expected)
        assert 0 < sum(cell.converted for cell in cells) < len(touches)

    now = timezone.now()
    store_and_compare("old", (8.1, 6.2), now)
    store_and_compare("new", (2.1, 0.2), now + timedelta(minutes=1))
    store_and_compare("older", (12.1, 10.2), now + timedelta(minutes=2))
    store_and_compare("again", (1.1,), now + timedelta(days=3))


def list_cells(optimization: Optimization, metric: Metric) -> list[Cell]:
    """Return the stored cells of all revisions."""
    days = refresh.iterate_days(optimization, metric, all_revisions=True)
    return [cell for day in days for cell in cell_columns.build_cells(day)]


def count_by_hand(
    optimization: Optimization,
    metric: Metric,
    touches: list[Touch],
    rewards: list[Reward],
) -> list[Cell]:
    """Count by brute force, of all regimes: any order, then orders, then returns."""
    as_of = CubeDay.objects.latest("computed_at").computed_at
    days = refresh.list_stored_days(optimization, metric)
    plan = specification.build_count_plan(optimization, metric, as_of)
    names = {1: ("order", "return"), 2: ("order",), 3: ("return",)}
    cells: list[Cell] = []
    for revision in plan.revisions:
        counted = names[revision.definition.revision]
        cube = build_reference_cube(
            replace(revision.spec, days=days),
            touches,
            [reward for reward in rewards if reward.name in counted],
        )
        numbers = revision.regimes.numbers
        cells += [cell for cell in cube.cells if cell.regime in numbers]
    return cells


def test_each_regime_of_a_connected_warehouse_keeps_its_revision(
    second: SecondServer,
) -> None:
    alice, body = launch_optimization(second)
    path = f"/warehouse/metrics/{Metric.objects.get().pk}"
    assert alice.patch(path, {"sql": LABELED.format("order")}).status_code == 200
    optimization = Optimization.objects.get()
    touches, rewards = make_visits("old", (8.1, 6.2, 1.1, 0.01))
    second.store(body["id"], touches, rewards)
    refresh.count_open_days(optimization, Metric.objects.get(), timezone.now())
    assert alice.patch(path, {"sql": LABELED.format("return")}).status_code == 200
    visits = make_visits("new", (0,))
    now_touches = [replace(touch, at=timezone.now()) for touch in visits[0]]
    now_rewards = [
        replace(reward, at=timezone.now() + timedelta(seconds=1))
        for reward in visits[1]
    ]
    late = Reward(touches[0].user, touches[0].at + timedelta(minutes=1), 1.0, "order")
    second.store(body["id"], now_touches, [*now_rewards, late])
    all_rewards = [*rewards, *now_rewards, late]
    as_of = timezone.now() + timedelta(days=2)
    metric = Metric.objects.get()

    refresh.count_open_days(optimization, metric, as_of)
    counted = dict(CubeDay.objects.values_list("day", "computed_at"))
    later = as_of + timedelta(minutes=1)
    refresh.count_open_days(optimization, metric, later)
    is_due = new_rows.has_new_rows(
        optimization,
        metric,
        later,
        last_run_ended_at=later,
        has_learned=True,
        is_whole_history=True,
    )

    assert normalize(list_cells(optimization, metric)) == normalize(
        count_by_hand(optimization, metric, touches + now_touches, all_rewards)
    )
    sealed = [day for day in counted if day < touches[0].at.date()]
    after = dict(CubeDay.objects.values_list("day", "computed_at"))
    assert all(after[day] == counted[day] for day in sealed)
    assert not is_due


def test_a_metric_changed_back_is_no_news_for_the_clock(second: SecondServer) -> None:
    alice, body = launch_optimization(second)
    path = f"/warehouse/metrics/{Metric.objects.get().pk}"
    assert alice.patch(path, {"sql": LABELED.format("order")}).status_code == 200
    optimization = Optimization.objects.get()
    touches, rewards = make_visits("old", (8.1, 6.2, 4.1, 2.1, 0.01))
    second.store(body["id"], touches, rewards)
    for label in ("return", "order"):
        assert alice.patch(path, {"sql": LABELED.format(label)}).status_code == 200
    now = timezone.now()
    for number, days in ((1, 20), (2, 9), (3, 5), (4, 3)):
        starts_at = now - timedelta(days=days)
        Regime.objects.filter(number=number).update(starts_at=starts_at)
    metric = Metric.objects.get()

    as_of = now + timedelta(minutes=1)
    refresh.count_open_days(optimization, metric, as_of)
    counted = dict(CubeDay.objects.values_list("day", "computed_at"))
    later = as_of + timedelta(minutes=1)
    questions = [
        new_rows.has_new_rows(
            optimization,
            metric,
            later,
            last_run_ended_at=later,
            has_learned=True,
            is_whole_history=is_whole_history,
        )
        for is_whole_history in (False, True)
    ]
    refresh.count_open_days(optimization, metric, later)

    assert questions == [False, False]
    sealed = {row.day for row in CubeDay.objects.filter(sealed=True)}
    after = dict(CubeDay.objects.values_list("day", "computed_at"))
    assert len(sealed) > 1
    assert all(after[day] == counted[day] for day in sealed)
    cells = list_cells(optimization, metric)
    assert normalize(cells) == normalize(
        count_by_hand(optimization, metric, touches, rewards)
    )
    assert {cell.regime for cell in cells} == {2, 3, 4}
