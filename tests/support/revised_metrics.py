"""Optimizations whose metric changes while they are live."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from metrics.models import Metric
from optimizations.cube import (
    cell_columns,
    refresh,
    specification,
)
from optimizations.models import Optimization
from tests.support import factories, optimization_factories, warehouse_events
from tests.support.cube_comparison import normalize_cube
from tests.support.cube_events import days_ago
from tests.support.factories import Api, read_body
from tests.support.reference_cube import Reward, Touch, build_reference_cube
from warehouse.sql.cube.statement import Cell, Cube

SQL = (
    "SELECT anonymous_id, timestamp_utc, value, name FROM managed_dw.rewards"
    " WHERE name = '{name}' AND timestamp_utc >= @start_date"
)
MAPPINGS: dict[str, dict[str, Any]] = {
    "bool": {"reward_type": "bool"},
    "numeric": {"reward_type": "numeric", "value": "value"},
    "outcomes": {"reward_type": "bool", "value": "value"},
}
OUTCOMES = [
    {"key": "small", "weight": 1.0, "match": {"by": "value", "value": 1}},
    {"key": "large", "weight": 5.0, "match": {"by": "value", "value": 2}},
]
NAMES = {1: "buy", 2: "click"}
KEYS = ('{"cta":false,"headline":"A"}', '{"cta":true,"headline":"B"}')


def define_metric(api: Api, kind: str, name: str) -> UUID:
    """Define a metric that counts the rewards of a name."""
    mapping = {"anonymous_id": "anonymous_id", "timestamp": "timestamp_utc"}
    body = {
        "name": f"{kind} {name}",
        "sql": SQL.format(name=name),
        "column_mapping": mapping | MAPPINGS[kind],
        **({"outcomes": OUTCOMES} if kind == "outcomes" else {}),
    }
    return UUID(read_body(api.post("/warehouse/metrics", body))["id"])


def make_visits(
    seed: str, moments: Sequence[datetime], users: int
) -> tuple[list[Touch], list[Reward]]:
    """Make users touched at these moments, who buy and click within a few hours."""
    rng = random.Random(seed)  # noqa: S311 - events, not secrets
    touches, rewards = [], []
    for number in range(users):
        user, at = f"{seed}-{number}", rng.choice(moments)
        touches.append(Touch(user, at, rng.choice(KEYS), "{}", 0))
        for name, rate in (("buy", 0.3), ("click", 0.7)):
            if rng.random() < rate:
                value = float(rng.choice((1, 2)))
                rewards.append(Reward(user, at + timedelta(seconds=1), value, name))
    return touches, rewards


class World:
    """An optimization whose metric is about to change, and all events so far."""

    def __init__(self, kind: str, *, is_guardrail: bool = False) -> None:
        organization = optimization_factories.make_organization()
        self.api = factories.make_admin_api(organization)
        metric_id = define_metric(self.api, kind, "buy")
        reward_id = (
            define_metric(self.api, "bool", "any") if is_guardrail else metric_id
        )
        reward = {"name": "x", "type": "bool" if is_guardrail else kind}
        self.optimization = optimization_factories.make_optimization(
            organization,
            holdout_percentage=50,
            reward_metric_id=reward_id,
            guardrail_metric_ids=[metric_id] if is_guardrail else [],
            training_data_config=optimization_factories.make_config(reward=reward),
        )
        self.metric = Metric.objects.get(pk=metric_id)
        self.touches: list[Touch] = []
        self.rewards: list[Reward] = []

    def store(self, touches: list[Touch], rewards: list[Reward]) -> None:
        """Store events in the managed store."""
        self.touches += touches
        self.rewards += rewards
        owner = (self.optimization.organization_id, str(self.optimization.pk))
        warehouse_events.store_events(*owner, touches, rewards)

    def change_metric(self, **fields: Any) -> None:
        """Change the metric as the API does."""
        fields = fields or {"sql": SQL.format(name="click")}
        answer = self.api.patch(f"/warehouse/metrics/{self.metric.pk}", fields)
        assert answer.status_code == 200, answer.content
        self.metric = Metric.objects.get(pk=self.metric.pk)
        self.optimization = Optimization.objects.get(pk=self.optimization.pk)

    def list_stored_cells(self) -> list[Cell]:
        """Return the stored cells of all revisions."""
        days = refresh.iterate_days(self.optimization, self.metric, all_revisions=True)
        return [cell for day in days for cell in cell_columns.build_cells(day)]

    def list_expected_cells(self, as_of: datetime) -> list[Cell]:
        """Count by brute force: the users of each regime by its revision's rewards."""
        plan = specification.build_count_plan(self.optimization, self.metric, as_of)
        days = refresh.list_stored_days(self.optimization, self.metric)
        cells: list[Cell] = []
        for revision in plan.revisions:
            name = NAMES[revision.definition.revision]
            cube = build_reference_cube(
                replace(revision.spec, days=days),
                self.touches,
                [reward for reward in self.rewards if reward.name == name],
            )
            numbers = revision.regimes.numbers
            cells += [cell for cell in cube.cells if cell.regime in numbers]
        return cells

    def assert_counted(self, as_of: datetime) -> None:
        """Compare the stored cells with those counted by brute force."""
        stored, expected = self.list_stored_cells(), self.list_expected_cells(as_of)
        assert normalize_cells(stored) == normalize_cells(expected)
        assert sum(cell.users for cell in stored) == len(self.touches)


def normalize_cells(cells: Sequence[Cell]) -> object:
    return normalize_cube(Cube(tuple(cells), (), 0, 0, 0))["cells"]


def make_changed_world(kind: str, *, is_guardrail: bool = False) -> World:
    """Change a metric that has sealed and open days; users come before and after."""
    world = World(kind, is_guardrail=is_guardrail)
    world.store(*make_visits("sealed", [days_ago(8.2), days_ago(6.1)], 40))
    world.store(*make_visits("open", [days_ago(1.2), days_ago(0.01)], 40))
    world.store(*make_visits("today", [timezone.now()], 20))
    refresh.count_open_days(world.optimization, world.metric, timezone.now())
    world.change_metric()
    world.store(*make_visits("new", [timezone.now()], 60))
    return world
