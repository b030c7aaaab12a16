"""A customer's own Postgres, through the doors: connect, look, define, train, results."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from metrics.models import Metric
from models_app.models import TrainingRun
from optimizations import cube, questions, serving, training
from optimizations.models import Optimization, Regime
from optimizations.published import holdout_threshold
from tests import factories
from tests.factories import Api, body_of, error_of
from tests.optimizations.factories import config
from tests.warehouse import events
from tests.warehouse.reference import Reward, Touch
from tests.warehouse.second import PASSWORD, Second
from tests.warehouse.test_cube import comparable
from warehouse.backends import managed
from warehouse.models import Connection
from warehouse.sql import customer

pytestmark = pytest.mark.django_db(transaction=True)

MANAGED_SQL = "SELECT anonymous_id, timestamp_utc AS at FROM managed_dw.rewards"
SOURCE = {
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
METRIC = {
    "name": "orders",
    "sql": 'SELECT "user", at FROM shop.orders WHERE at >= @start_date',
    "column_mapping": {
        "anonymous_id": "user",
        "timestamp": "at",
        "reward_type": "bool",
    },
}


@pytest.fixture
def second(second_postgres: Second) -> Iterator[Second]:
    """The second server, its tables empty, allowed to be on this machine."""
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.shown, public.bought")
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True, TRAIN_WAIT_SECONDS=0):
        yield second_postgres


def connected(alice: Api, second: Second) -> None:
    """Connect an organization to it."""
    body = {"provider": "postgres", "credentials": second.credentials}
    answer = alice.post("/warehouse/connections", body)
    assert answer.status_code == 201, answer.content


def history(
    optimization_id: str, now: datetime, *, held_out: float
) -> tuple[list[Touch], list[Reward]]:
    """Four days of visitors who like headline B, most of all on mobile."""
    rng = random.Random(7)  # noqa: S311 - traffic, not secrets
    threshold = holdout_threshold(held_out)
    keys = [
        f'{{"cta":{cta},"headline":"{headline}"}}'
        for headline in "AB"
        for cta in ("false", "true")
    ]
    touches, rewards = [], []
    for number in range(1600):
        user, device = f"visitor-{number}", rng.choice(["mobile", "desktop", "tv"])
        at = now - timedelta(days=5 - number % 4, minutes=number % 600)
        held = serving.held_out(optimization_id, user, threshold)
        chosen = 0 if held else rng.randrange(4)
        context = f'{{"device":"{device}"}}'
        touches.append(Touch(user, at, keys[chosen], context, 0))
        if rng.random() < 0.1 + (0.3 if chosen > 1 and device == "mobile" else 0):
            rewards.append(Reward(user, at + timedelta(hours=1)))
    return touches, rewards


def created(alice: Api, metric_id: str, **fields: Any) -> dict[str, Any]:
    """Create a live optimization."""
    body = {
        "name": "Landing page",
        "training_data_config": config(),
        "reward_metric_id": metric_id,
        **fields,
    }
    answer = alice.post("/optimizations", body)
    assert answer.status_code == 201, answer.content
    return body_of(answer)


def trained(optimization_id: str) -> TrainingRun:
    """Do the run that is asked for, here."""
    run = TrainingRun.objects.filter(
        model__optimization__pk=optimization_id, status=TrainingRun.Status.QUEUED
    ).get()
    training.run(run.pk)
    run.refresh_from_db()
    return run


def ask_for_training(alice: Api, made: dict[str, Any]) -> None:
    """Ask as a dashboard does."""
    answer = alice.post(f"/models/{made['model_id']}/train")
    assert answer.status_code == 202, answer.content


def test_from_connecting_to_results_equal_to_the_managed_stores(
    second: Second,
) -> None:
    acme = factories.organization()
    alice = factories.admin_of(acme)

    connected(alice, second)
    tables = body_of(alice.get("/warehouse/tables"))["tables"]
    columns = body_of(alice.get("/warehouse/tables/shop.orders/columns"))["columns"]
    source = alice.post("/warehouse/assignment-sources", SOURCE)
    metric = alice.post("/warehouse/metrics", METRIC)
    made = created(alice, body_of(metric)["id"], holdout_percentage=20)
    touches, rewards = history(made["id"], timezone.now(), held_out=20)
    second.store(made["id"], touches, rewards)
    preview = body_of(
        alice.post(f"/warehouse/metrics/{body_of(metric)['id']}/preview", {"limit": 5})
    )
    shown = body_of(
        alice.post(
            f"/warehouse/assignment-sources/{body_of(source)['id']}/preview",
            {"limit": 5},
        )
    )
    ask_for_training(alice, made)
    run = trained(made["id"])
    results = body_of(alice.get(f"/optimizations/{made['id']}/results?sql=true"))

    assert "public.shown" in results["sql"][0]["statement"].replace('"', "")
    assert ("shop", "orders") in {(one["schema"], one["name"]) for one in tables}
    assert "secrets" not in {one["name"] for one in tables}
    assert [one["name"] for one in columns] == ["user", "at"]
    assert body_of(source)["default"] is True
    assert (preview["row_count"], preview["match_rate"]) == (5, 1.0)
    assert preview["warnings"] == []
    assert (shown["row_count"], shown["warnings"]) == (5, [])
    assert (run.status, run.error) == (TrainingRun.Status.SUCCEEDED, "")
    assert run.rows_read == len(touches)
    assert results["stats"]["best_vs_baseline_percent"] > 0
    assert_equal_to_the_managed_store(made["id"], touches, rewards)


def assert_equal_to_the_managed_store(
    optimization_id: str, touches: list[Touch], rewards: list[Reward]
) -> None:
    """Put the same events into the managed store and count them there."""
    optimization = Optimization.objects.get(pk=optimization_id)
    metric = optimization.reward_metric
    assert metric is not None
    events.store(optimization.organization_id, optimization_id, touches, rewards)
    observed = cube.read(optimization, metric)
    assert observed.as_of is not None
    spec = questions.of(optimization, metric, observed.as_of)
    spec = replace(spec, days=cube.stored_days(optimization, metric))
    managed_metric = customer.metric(
        MANAGED_SQL, {"anonymous_id": "anonymous_id", "timestamp": "at"}
    )

    ours = managed.of(optimization.organization_id).observe(spec, managed_metric)

    assert sum(cell.users for cell in observed.cells) == len(touches)
    assert any(cell.holdout for cell in observed.cells)
    theirs = replace(ours, cells=observed.cells, lags=observed.lags)
    assert comparable(theirs) == comparable(ours)
    assert observed.crossover_users == ours.crossover_users
    assert observed.arm_mismatch_users == ours.arm_mismatch_users


def test_results_by_http_are_the_managed_stores(second: Second) -> None:
    now = timezone.now()
    alice = factories.admin_of(factories.organization())
    connected(alice, second)
    assert alice.post("/warehouse/assignment-sources", SOURCE).status_code == 201
    bob = factories.admin_of(factories.organization())
    theirs = created(
        alice,
        body_of(alice.post("/warehouse/metrics", METRIC))["id"],
        holdout_percentage=0,
    )
    of_managed = METRIC | {
        "sql": f"{MANAGED_SQL} WHERE timestamp_utc >= @start_date",
        "column_mapping": METRIC["column_mapping"] | {"anonymous_id": "anonymous_id"},  # type: ignore[operator]  # a mapping, as written above
    }
    ours = created(
        bob,
        body_of(bob.post("/warehouse/metrics", of_managed))["id"],
        holdout_percentage=0,
    )
    touches, rewards = history(ours["id"], now, held_out=0)
    second.store(theirs["id"], touches, rewards)
    events.store(
        Optimization.objects.get(pk=ours["id"]).organization_id,
        ours["id"],
        touches,
        rewards,
    )

    shown = []
    for api, made in ((alice, theirs), (bob, ours)):
        ask_for_training(api, made)
        assert trained(made["id"]).error == ""
        results = body_of(api.get(f"/optimizations/{made['id']}/results"))
        shown.append(results)

    for results in shown:
        for name in ("optimization_id", "as_of", "meta", "request_id"):
            results.pop(name, None)
        measured = results["primary_metric_vs_holdout"]
        measured.pop("metric_id")
        for regime in measured["regimes"]:
            regime.pop("starts_at")  # a second apart
    assert shown[0] == shown[1]


def test_going_live_needs_an_assignment_source(second: Second) -> None:
    alice = factories.admin_of(factories.organization())
    connected(alice, second)
    metric = body_of(alice.post("/warehouse/metrics", METRIC))["id"]
    body = {
        "name": "x",
        "training_data_config": config(),
        "reward_metric_id": metric,
    }

    refused = error_of(alice.post("/optimizations", body))

    assert refused["code"] == "conflict"
    assert "assignment source" in refused["message"]
    assert not Optimization.objects.exists()


def test_warehouse_that_fails_ends_the_run_and_leaves_the_results(
    second: Second,
) -> None:
    alice = factories.admin_of(factories.organization())
    connected(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric = body_of(alice.post("/warehouse/metrics", METRIC))["id"]
    made = created(alice, metric, holdout_percentage=20)
    second.store(made["id"], *history(made["id"], timezone.now(), held_out=20))
    ask_for_training(alice, made)
    trained(made["id"])
    before = body_of(alice.get(f"/optimizations/{made['id']}/results"))
    failures = {
        'column "at" does not exist': (
            "ALTER VIEW shop.orders RENAME COLUMN at TO x",
            "ALTER VIEW shop.orders RENAME COLUMN x TO at",
        ),
        "permission denied": (
            "REVOKE SELECT ON public.shown FROM reader",
            "GRANT SELECT ON public.shown TO reader",
        ),
        "password authentication failed": (
            "ALTER ROLE reader PASSWORD 'another'",
            f"ALTER ROLE reader PASSWORD '{PASSWORD}'",
        ),
    }

    for reason, (breaking, mending) in failures.items():
        with second.owner() as owner:
            owner.execute(breaking)
        try:
            ask_for_training(alice, made)
            run = trained(made["id"])
            refreshed = alice.get(f"/optimizations/{made['id']}/results?refresh=true")
        finally:
            with second.owner() as owner:
                owner.execute(mending)

        assert run.status == TrainingRun.Status.FAILED
        assert reason in run.error
        assert PASSWORD not in run.error
        assert refreshed.status_code == 502
        assert reason in error_of(refreshed)["message"]
        after = body_of(alice.get(f"/optimizations/{made['id']}/results"))
        assert after["stats"] == before["stats"]


def test_late_rows_open_sealed_days_again(second: Second) -> None:
    alice = factories.admin_of(factories.organization())
    connected(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric = body_of(alice.post("/warehouse/metrics", METRIC))["id"]
    made = created(alice, metric)
    now = timezone.now()
    old = now - timedelta(days=6)
    key = '{"cta":false,"headline":"A"}'
    second.store(made["id"], [Touch("a", old, key, "{}", 0)])
    optimization = Optimization.objects.get(pk=made["id"])
    reward = Metric.objects.get(pk=metric)

    def refreshed(minutes: int) -> dict[str, Any]:
        found = cube.refresh(optimization, reward, now + timedelta(minutes=minutes))
        return {
            "users": sum(cell.users for cell in found.cells),
            "converted": sum(cell.converted for cell in found.cells),
            "read": found.rows_read,
        }

    first, quiet = refreshed(0), refreshed(1)
    second.store(made["id"], [], [Reward("a", old + timedelta(hours=1))])
    rewarded, again = refreshed(2), refreshed(3)
    earlier = old - timedelta(days=2)
    second.store(made["id"], [Touch("a", earlier, key, "{}", 0)])
    moved = refreshed(4)

    assert first == {"users": 1, "converted": 0, "read": 1}
    assert (quiet["read"], again["read"]) == (0, 0)
    assert rewarded == {"users": 1, "converted": 1, "read": 1}
    assert moved == {"users": 1, "converted": 0, "read": 2}


def test_rows_changed_in_place_are_seen_by_a_full_refresh(second: Second) -> None:
    alice = factories.admin_of(factories.organization())
    connected(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric = body_of(alice.post("/warehouse/metrics", METRIC))["id"]
    made = created(alice, metric)
    old = timezone.now() - timedelta(days=6)
    keys = ('{"cta":false,"headline":"A"}', '{"cta":true,"headline":"B"}')
    second.store(made["id"], [Touch("a", old, keys[0], "{}", 0)])
    place = f"/optimizations/{made['id']}/results?refresh="
    alice.get(f"{place}true")
    with second.owner() as owner:
        owner.execute("UPDATE public.shown SET variant_text = %s", [keys[1]])

    found = [body_of(alice.get(f"{place}{each}")) for each in ("true", "full")]
    wrong = alice.get(f"{place}maybe")

    shown = [[one["exposures"] for one in each["variants"]] for each in found]
    assert shown == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert wrong.status_code == 400


def test_another_warehouse_begins_a_regime_and_a_new_password_does_not(
    second: Second,
) -> None:
    alice = factories.admin_of(factories.organization())
    connected(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric = body_of(alice.post("/warehouse/metrics", METRIC))["id"]
    made = created(alice, metric)

    connected(alice, second)
    same = Regime.objects.filter(optimization=made["id"]).count()
    alice.delete("/warehouse/connections")
    reasons = Regime.objects.filter(optimization=made["id"]).order_by("number")

    assert same == 1
    assert [one.reason for one in reasons] == ["went live", "warehouse changed"]
    assert reasons[1].warehouse == "managed"
    assert not Connection.objects.exists()
