"""@start_date is the same at every count of a metric, whichever days are counted."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from levered_site import database
from metrics.models import Metric
from optimizations.cube import refresh, specification
from optimizations.models import Optimization
from optimizations.results.readings import report
from tests.support import factories, optimization_factories, warehouse_events
from tests.support.cube_comparison import normalize_cube
from tests.support.cube_events import days_ago
from tests.support.factories import read_body, read_error
from tests.support.reference_cube import Reward, Touch, build_reference_cube
from warehouse.sql.cube.statement import Cell, Cube

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_PURCHASE = (
    "SELECT anonymous_id, min(timestamp_utc) AS timestamp_utc FROM managed_dw.rewards"
    " WHERE timestamp_utc >= @start_date GROUP BY 1"
)
METRICS = {
    "first purchase": FIRST_PURCHASE,
    "second purchase or later": (
        "SELECT anonymous_id, max(timestamp_utc) AS timestamp_utc"
        " FROM managed_dw.rewards WHERE timestamp_utc >= @start_date"
        " GROUP BY 1 HAVING count(*) >= 2"
    ),
    "numbered": (
        "SELECT anonymous_id, timestamp_utc FROM (SELECT anonymous_id, timestamp_utc,"
        " row_number() OVER (PARTITION BY anonymous_id ORDER BY timestamp_utc) AS n"
        " FROM managed_dw.rewards WHERE timestamp_utc >= @start_date) AS r WHERE n = 1"
    ),
    "distinct": (
        "SELECT DISTINCT ON (anonymous_id) anonymous_id, timestamp_utc"
        " FROM managed_dw.rewards WHERE timestamp_utc >= @start_date"
        " ORDER BY anonymous_id, timestamp_utc"
    ),
    "plain": (
        "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"
        " WHERE timestamp_utc >= @start_date"
    ),
}
KEY = '{"cta":false,"headline":"A"}'


def pick_rows(name: str, rewards: Sequence[Reward]) -> list[Reward]:
    """Return the rows that the metric has among these rewards, by brute force."""
    if name == "plain":
        return list(rewards)
    by_user: dict[str, list[Reward]] = {}
    for reward in sorted(rewards, key=lambda reward: reward.at):
        by_user.setdefault(reward.user, []).append(reward)
    if name == "second purchase or later":
        return [rows[-1] for rows in by_user.values() if len(rows) >= 2]
    return [rows[0] for rows in by_user.values()]


class World:
    """An optimization with history, and its events."""

    def __init__(self, sql: str, look_back_days: int = 0) -> None:
        organization = optimization_factories.make_organization()
        metric = optimization_factories.make_metric(
            organization, sql=sql, look_back_days=look_back_days
        )
        self.optimization = optimization_factories.make_optimization(
            organization, reward_metric_id=metric.pk
        )
        self.metric = metric
        self.touches: list[Touch] = []
        self.rewards: list[Reward] = []

    def store(self, touches: list[Touch], rewards: list[Reward]) -> None:
        """Store events in the managed store."""
        self.touches += touches
        self.rewards += rewards
        owner = (self.optimization.organization_id, str(self.optimization.pk))
        warehouse_events.store_events(*owner, touches, rewards)

    def store_random_events(self, first: int, last: int) -> None:
        """Store users who are touched and buy on days between so many days ago."""
        rng = random.Random(first)  # noqa: S311 - events, not secrets
        touches, rewards = [], []
        for number in range(60):
            user, at = f"{first}-{number}", days_ago(rng.uniform(last, first))
            touches.append(Touch(user, at, KEY, "{}", 0))
            for _ in range(rng.randrange(4)):
                bought_at = at + timedelta(hours=rng.uniform(-60, 30))
                rewards.append(Reward(user, min(bought_at, timezone.now())))
        self.store(touches, rewards)

    def count(self, as_of: datetime, *, full: bool = False) -> list[Cell]:
        """Refresh the cube; return its cells."""
        cube = refresh.refresh_cube(self.optimization, self.metric, as_of, full=full)
        return list(cube.cells)

    def count_by_hand(
        self, as_of: datetime, select: Callable[[Sequence[Reward]], list[Reward]]
    ) -> list[Cell]:
        """Count by brute force, of the rewards since @start_date."""
        spec = specification.build_cube_spec(self.optimization, self.metric, as_of)
        first = min(touch.at for touch in self.touches).astimezone(UTC).date()
        start = datetime.combine(first, time(), UTC)
        start -= timedelta(days=self.metric.look_back_days)
        days = refresh.list_stored_days(self.optimization, self.metric)
        rewards = select([reward for reward in self.rewards if reward.at >= start])
        spec = replace(spec, days=days)
        return list(build_reference_cube(spec, self.touches, rewards).cells)


def normalize(cells: Sequence[Cell]) -> object:
    """Return cells in one order."""
    return normalize_cube(Cube(tuple(cells), (), 0, 0, 0))["cells"]


@pytest.mark.parametrize("look_back_days", [0, 2])
@pytest.mark.parametrize("name", METRICS)
def test_any_metric_is_counted_alike_at_every_refresh(
    name: str, look_back_days: int
) -> None:
    world = World(METRICS[name], look_back_days)
    world.store_random_events(8, 5)
    now = timezone.now()

    def compare(as_of: datetime, *, full: bool = False) -> None:
        stored = world.count(as_of, full=full)
        expected = world.count_by_hand(as_of, lambda rows: pick_rows(name, rows))
        assert normalize(stored) == normalize(expected)
        assert 0 < sum(cell.converted for cell in stored) < len(world.touches)

    compare(now)
    world.store_random_events(3, 0)
    compare(now + timedelta(seconds=30))
    compare(now + timedelta(days=1))
    world.store_random_events(12, 9)  # history sent in later moves the start back
    compare(now + timedelta(days=1, seconds=1))
    compare(now + timedelta(days=4))
    compare(now + timedelta(days=4, seconds=1), full=True)


def test_a_look_back_shows_what_was_before_the_first_touch() -> None:
    converted = {}
    for look_back_days in (0, 3):
        world = World(FIRST_PURCHASE, look_back_days)
        touched_at = days_ago(1)
        bought = [touched_at - timedelta(days=2), touched_at + timedelta(minutes=1)]
        world.store(
            [Touch("ann", touched_at, KEY, "{}", 0)],
            [Reward("ann", at) for at in bought],
        )
        cells = world.count(timezone.now())
        converted[look_back_days] = sum(cell.converted for cell in cells)

    assert converted == {0: 1, 3: 0}


def test_the_printed_statement_has_the_start_date_that_counted() -> None:
    world = World(METRICS["second purchase or later"], look_back_days=2)
    world.store_random_events(8, 5)
    world.store_random_events(3, 0)
    cells = world.count(timezone.now())

    (statement,) = report.build_statements(world.optimization)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('levered.organization_id', %s, true)",
            [world.optimization.organization_id],
        )
        cursor.execute(statement.statement)
        rows = [row for row in database.fetch_rows(cursor) if row.kind == "cell"]

    assert sum(row.converted for row in rows) == sum(cell.converted for cell in cells)


def test_a_changed_look_back_begins_a_regime() -> None:
    world = World(FIRST_PURCHASE)
    api = factories.make_admin_api(world.optimization.organization)
    path = f"/warehouse/metrics/{world.metric.pk}"

    changed = api.patch(path, {"look_back_days": 30})
    refused = api.patch(path, {"look_back_days": -1})

    body: dict[str, Any] = read_body(changed)
    assert (changed.status_code, body["look_back_days"]) == (200, 30)
    assert refused.status_code == 400
    assert Metric.objects.get().revision == 2
    optimization = Optimization.objects.get()
    assert optimization.regimes.count() == 2


def test_a_metric_that_numbers_or_groups_rows_is_warned_about_and_a_limit_refused() -> (
    None
):
    organization = factories.make_organization()
    api = factories.make_admin_api(organization)
    mapping = {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    }
    warnings = {}
    for name, sql in METRICS.items():
        body = {
            "name": name,
            "sql": sql,
            "column_mapping": mapping,
            "look_back_days": 7,
        }
        saved = api.post("/warehouse/metrics", body)
        assert saved.status_code == 201, saved.content
        preview = api.post(f"/warehouse/metrics/{read_body(saved)['id']}/preview", {})
        warnings[name] = [
            warning
            for warning in read_body(saved)["warnings"]
            if "look_back_days" in warning
        ]
        assert set(warnings[name]) <= set(read_body(preview)["warnings"])
    limited = {"sql": f"{METRICS['plain']} LIMIT 1000", "column_mapping": mapping}
    refused = [
        api.post("/warehouse/metrics", {"name": "limited"} | limited),
        api.post("/warehouse/preview", limited),
    ]

    assert {name for name, found in warnings.items() if found} == METRICS.keys() - {
        "plain"
    }
    assert "DISTINCT ON" in warnings["distinct"][0]
    assert "a window function" in warnings["numbered"][0]
    assert "(7)" in warnings["first purchase"][0]
    for answer in refused:
        assert answer.status_code == 400
        (problem,) = read_error(answer)["details"]
        assert problem["field"] == "sql"
        assert "ends in LIMIT" in problem["message"]
