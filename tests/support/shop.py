"""A customer's shop with its own warehouse: connection, definitions, visitors, training."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from models_app.models import TrainingRun
from optimizations.cube import refresh, specification
from optimizations.models import Optimization
from optimizations.serving import decision
from optimizations.serving.snapshot import compute_holdout_threshold
from optimizations.training.run import run_training
from tests.support import factories, warehouse_events
from tests.support.cube_comparison import normalize_cube
from tests.support.factories import Api, read_body
from tests.support.optimization_factories import make_config
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from warehouse.backends import managed
from warehouse.sql.customer import check

MANAGED_SQL = "SELECT anonymous_id, timestamp_utc AS at FROM managed_dw.rewards"
SOURCE: dict[str, Any] = {
    "name": "exposures",
    "sql": "SELECT * FROM shown WHERE seen >= @start_date",
    "column_mapping": {
        "anonymous_id": "user",
        "timestamp": "seen",
        "optimization_id": "experiment",
        "variant": "variant_text",
        "context": "context_text",
        "policy_version": "version",
    },
}
METRIC: dict[str, Any] = {
    "name": "orders",
    "sql": 'SELECT "user", at FROM shop.orders WHERE at >= @start_date',
    "column_mapping": {
        "anonymous_id": "user",
        "timestamp": "at",
        "reward_type": "bool",
    },
}


def connect_warehouse(admin_api: Api, second: SecondServer) -> None:
    """Connect an organization to the second server."""
    body = {"provider": "postgres", "credentials": second.credentials}
    answer = admin_api.post("/warehouse/connections", body)
    assert answer.status_code == 201, answer.content


def simulate_history(
    optimization_id: str, now: datetime, *, holdout_percentage: float
) -> tuple[list[Touch], list[Reward]]:
    """Return four days of visitors who prefer headline B, most of all on mobile."""
    rng = random.Random(7)  # noqa: S311 - traffic, not secrets
    threshold = compute_holdout_threshold(holdout_percentage)
    keys = [
        f'{{"cta":{cta},"headline":"{headline}"}}'
        for headline in "AB"
        for cta in ("false", "true")
    ]
    touches, rewards = [], []
    for number in range(1600):
        user, device = f"visitor-{number}", rng.choice(["mobile", "desktop", "tv"])
        at = now - timedelta(days=5 - number % 4, minutes=number % 600)
        in_holdout = decision.is_in_holdout(optimization_id, user, threshold)
        chosen = 0 if in_holdout else rng.randrange(4)
        context = f'{{"device":"{device}"}}'
        touches.append(Touch(user, at, keys[chosen], context, 0))
        if rng.random() < 0.1 + (0.3 if chosen > 1 and device == "mobile" else 0):
            rewards.append(Reward(user, at + timedelta(hours=1)))
    return touches, rewards


def create_optimization(
    admin_api: Api, metric_id: str, **fields: Any
) -> dict[str, Any]:
    """Create a live optimization."""
    body = {
        "name": "Landing page",
        "training_data_config": make_config(),
        "reward_metric_id": metric_id,
        **fields,
    }
    answer = admin_api.post("/optimizations", body)
    assert answer.status_code == 201, answer.content
    return read_body(answer)


def launch_optimization(second: SecondServer) -> tuple[Api, dict[str, Any]]:
    """Connect a new organization; return its admin's API and a live optimization."""
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric = read_body(alice.post("/warehouse/metrics", METRIC))["id"]
    return alice, create_optimization(alice, metric)


def train_queued_run(optimization_id: str) -> TrainingRun:
    """Execute the optimization's queued run in this process."""
    run = TrainingRun.objects.filter(
        model__optimization__pk=optimization_id, status=TrainingRun.Status.QUEUED
    ).get()
    run_training(run.pk)
    run.refresh_from_db()
    return run


def request_training(admin_api: Api, optimization: dict[str, Any]) -> None:
    """Request a training run as a dashboard does."""
    answer = admin_api.post(f"/models/{optimization['model_id']}/train")
    assert answer.status_code == 202, answer.content


def assert_equal_to_the_managed_store(
    optimization_id: str, touches: list[Touch], rewards: list[Reward]
) -> None:
    """Store the same events in the managed store and compare both cubes."""
    optimization = Optimization.objects.get(pk=optimization_id)
    metric = optimization.reward_metric
    assert metric is not None
    warehouse_events.store_events(
        optimization.organization_id, optimization_id, touches, rewards
    )
    stored = refresh.load_cube(optimization, metric)
    assert stored.as_of is not None
    spec = specification.build_cube_spec(optimization, metric, stored.as_of)
    spec = replace(spec, days=refresh.list_stored_days(optimization, metric))
    managed_metric = check.check_metric_query(
        MANAGED_SQL, {"anonymous_id": "anonymous_id", "timestamp": "at"}
    )

    expected = managed.build_backend(optimization.organization_id).compute_cube(
        spec, managed_metric
    )

    assert sum(cell.users for cell in stored.cells) == len(touches)
    assert any(cell.holdout for cell in stored.cells)
    connected = replace(expected, cells=stored.cells, lags=stored.lags)
    assert normalize_cube(connected) == normalize_cube(expected)
    assert stored.crossover_users == expected.crossover_users
    assert stored.arm_mismatch_users == expected.arm_mismatch_users
