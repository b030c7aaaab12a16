"""A metric changed while live: each regime is counted by the revision that it had."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import Metric, MetricRevision
from optimizations.configuration.revision_regimes import find_revisions
from optimizations.cube import (
    cell_columns,
    person_erasure,
    refresh,
    specification,
)
from optimizations.models import CubeDay, Optimization
from tests.support import factories, optimization_factories, warehouse_events
from tests.support.cube_comparison import normalize_cube
from tests.support.cube_events import days_ago, hour_of_day_back
from tests.support.factories import Api, read_body
from tests.support.reference_cube import Reward, Touch, build_reference_cube
from warehouse.sql.cube.statement import Cell, Cube

pytestmark = pytest.mark.django_db(transaction=True)

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
        assert _normalize(stored) == _normalize(expected)
        assert sum(cell.users for cell in stored) == len(self.touches)


def _normalize(cells: Sequence[Cell]) -> object:
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


@pytest.mark.parametrize("is_guardrail", [False, True])
@pytest.mark.parametrize("kind", MAPPINGS)
def test_each_regime_is_counted_by_its_own_revision_whenever_it_is_counted(
    kind: str, *, is_guardrail: bool
) -> None:
    world = make_changed_world(kind, is_guardrail=is_guardrail)

    def count_and_compare(as_of: datetime, *, full: bool = False) -> None:
        refresh.count_open_days(world.optimization, world.metric, as_of, full=full)
        world.assert_counted(as_of)

    count_and_compare(timezone.now())
    late = world.touches[0]
    at = late.at + timedelta(minutes=5)
    world.store([], [Reward(late.user, at, 2.0, name) for name in NAMES.values()])
    count_and_compare(timezone.now())
    count_and_compare(timezone.now() + timedelta(days=2))
    count_and_compare(timezone.now() + timedelta(days=9), full=True)

    assert {cell.regime for cell in world.list_stored_cells()} == {1, 2}
    assert MetricRevision.objects.get().sql == SQL.format(name="buy")


@pytest.mark.parametrize("is_guardrail", [False, True])
@pytest.mark.parametrize("kind", MAPPINGS)
def test_erased_people_stay_in_the_counts_of_a_replaced_revision(
    kind: str, *, is_guardrail: bool
) -> None:
    world = make_changed_world(kind, is_guardrail=is_guardrail)
    as_of = timezone.now()
    refresh.count_open_days(world.optimization, world.metric, as_of)
    before = world.list_stored_cells()
    buyers = {reward.user for reward in world.rewards if reward.name == "buy"}

    for user in sorted(user for user in buyers if user.startswith("sealed"))[:3]:
        person_erasure.erase_user(
            world.optimization.organization_id, user, SYSTEM_ACTOR
        )
    refresh.count_open_days(world.optimization, world.metric, as_of, full=True)

    assert _normalize(world.list_stored_cells()) == _normalize(before)
    world.assert_counted(as_of)


def test_only_the_present_revision_enters_figures_and_answers_say_since_when() -> None:
    world = make_changed_world("bool")
    since = world.optimization.regimes.get(number=2).starts_at
    as_of = timezone.now() + timedelta(days=3)
    refresh.count_open_days(world.optimization, world.metric, as_of)

    cube = refresh.load_cube(world.optimization, world.metric, as_of)
    path = f"/optimizations/{world.optimization.pk}"
    names = ("results", "progress", "holdout-daily", "outcome-mix")
    bodies = {name: read_body(world.api.get(f"{path}/{name}")) for name in names}
    notes = [
        bodies["results"]["notes"],
        bodies["progress"]["notes"],
        bodies["outcome-mix"]["notes"],
        bodies["holdout-daily"]["metrics"][0]["notes"],
    ]

    clicked = {reward.user for reward in world.rewards if reward.name == "click"}
    new_users = {touch.user for touch in world.touches if touch.user.startswith("new")}
    assert sum(cell.users for cell in cube.cells) == 60
    assert sum(cell.converted for cell in cube.cells) == len(clicked & new_users)
    assert sum(cube.lags) == len(clicked & new_users)
    measured = bodies["results"]["primary_metric_vs_holdout"]
    assert measured["holdout_exposures"] + measured["optimization_exposures"] == 60
    assert sum(row["users"] for row in bodies["results"]["variants"]) == 60
    assert sum(bodies["progress"]["users"].values()) == 60
    assert sum(row["users"] for row in bodies["outcome-mix"]["rows"]) == 60
    regimes = [
        (row["number"], row["metric_revision"], row["in_lift"])
        for row in measured["regimes"]
    ]
    assert regimes == [(1, 1, False), (2, 2, True)]
    bought = [reward for reward in world.rewards if reward.name == "buy"]
    old = measured["regimes"][0]
    rewarded = (
        old["holdout_rate"] * old["holdout_exposures"]
        + old["optimization_rate"] * old["optimization_exposures"]
    )
    buyers = {reward.user for reward in bought} - new_users
    assert rewarded == pytest.approx(len(buyers))
    for sentences in notes:
        assert len(sentences) == 1
        assert f"{since:%Y-%m-%d %H:%M} UTC" in sentences[0]


def test_a_guardrail_that_changed_is_judged_by_its_present_revision() -> None:
    world = make_changed_world("bool", is_guardrail=True)
    as_of = timezone.now() + timedelta(days=3)
    for metric in (world.metric, world.optimization.reward_metric):
        assert metric is not None
        refresh.count_open_days(world.optimization, metric, as_of)

    path = f"/optimizations/{world.optimization.pk}"
    (row,) = read_body(world.api.get(f"{path}/guardrails"))["guardrails"]
    results = read_body(world.api.get(f"{path}/results"))

    assert "was changed at" in row["notes"][0]
    reasons = list(world.optimization.regimes.values_list("reason", flat=True))
    assert reasons == ["went live", "guardrail metric changed"]
    assert results["notes"] == []
    assert sum(result["users"] for result in results["variants"]) == len(world.touches)


def test_a_metric_that_changes_twice_on_a_day_keeps_three_definitions() -> None:
    world = World("bool")
    world.store(*make_visits("first", [days_ago(3)], 10))
    for name in ("click", "buy"):
        world.change_metric(sql=SQL.format(name=name) + " AND true")
        world.store(*make_visits(name, [timezone.now()], 10))
    as_of = timezone.now() + timedelta(days=3)

    refresh.count_open_days(world.optimization, world.metric, as_of)

    converted = {
        regime: sum(
            cell.converted
            for cell in world.list_stored_cells()
            if cell.regime == regime
        )
        for regime in (1, 2, 3)
    }
    expected = {}
    for regime, (prefix, name) in enumerate(
        [("first", "buy"), ("click", "click"), ("buy", "buy")], start=1
    ):
        users = {
            reward.user
            for reward in world.rewards
            if reward.name == name and reward.user.startswith(prefix)
        }
        expected[regime] = len(users)
    assert converted == expected
    assert MetricRevision.objects.count() == 2


def test_a_definition_that_nobody_stored_keeps_the_counts_that_it_gave() -> None:
    world = make_changed_world("bool")
    world.change_metric(sql=SQL.format(name="click") + " AND true")
    before = [cell for cell in world.list_stored_cells() if cell.regime == 1]
    MetricRevision.objects.filter(number=1).delete()

    as_of = timezone.now() + timedelta(hours=1)
    refresh.count_open_days(world.optimization, world.metric, as_of, full=True)

    after = [cell for cell in world.list_stored_cells() if cell.regime == 1]
    assert _normalize(after) == _normalize(before)
    stored = CubeDay.objects.get(day=hour_of_day_back(0).date())
    assert stored.computed_at == as_of


def test_a_replaced_definition_that_fails_does_not_stop_the_present_one() -> None:
    world = make_changed_world("bool")
    before = [cell for cell in world.list_stored_cells() if cell.regime == 1]
    broken = "SELECT anonymous_id, 1 / (value - value) AS timestamp_utc FROM managed_dw.rewards"
    MetricRevision.objects.update(sql=broken)
    as_of = timezone.now() + timedelta(hours=1)

    refresh.count_open_days(world.optimization, world.metric, as_of, full=True)

    cells = world.list_stored_cells()
    old = [cell for cell in cells if cell.regime == 1]
    assert _normalize(old) == _normalize(before)
    assert sum(cell.users for cell in cells if cell.regime == 2) == 60


def test_a_guardrail_attached_later_was_counted_by_one_revision_until_it_changes() -> (
    None
):
    world = World("bool")
    guard = Metric.objects.get(pk=define_metric(world.api, "bool", "any"))
    path = f"/optimizations/{world.optimization.pk}"
    world.api.patch(path, {"holdout_percentage": 40})
    world.api.patch(path, {"guardrail_metric_ids": [str(guard.pk)]})

    world.api.patch(f"/warehouse/metrics/{guard.pk}", {"sql": SQL.format(name="z")})

    guard.refresh_from_db()
    after = list(world.optimization.regimes.order_by("number"))
    assert find_revisions(after, guard) == {1: 1, 2: 1, 3: 2}


@pytest.mark.parametrize("status", ["shipped", "completed"])
def test_results_that_are_final_keep_the_revision_that_they_had(status: str) -> None:
    world = World("bool")
    world.store(*make_visits("first", [days_ago(3)], 20))
    refresh.count_open_days(world.optimization, world.metric, timezone.now())
    path = f"/optimizations/{world.optimization.pk}"
    action = {"shipped": "ship", "completed": "stop"}[status]
    world.api.post(f"{path}/{action}", {"confirm": True} if action == "ship" else {})
    before = read_body(world.api.get(f"{path}/results?refresh=true"))

    world.change_metric()
    after = read_body(world.api.get(f"{path}/results?refresh=full"))

    assert Optimization.objects.get(pk=world.optimization.pk).status == status
    assert after["notes"] == []
    assert after["variants"] == before["variants"]
    assert sum(row["conversions"] for row in after["variants"]) > 0
