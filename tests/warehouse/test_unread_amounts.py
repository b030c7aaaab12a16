"""Amounts that are no finite numbers in range are counted, named and shown: never dropped silently."""

import math
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from tests.support import factories, shop, value_metrics
from tests.support.factories import Api, read_body
from tests.support.optimization_factories import make_config, make_organization
from tests.support.reference_cube import Reward
from tests.support.result_visitors import make_visited_optimization, train_and_return
from tests.support.second_postgres import SecondServer

pytestmark = pytest.mark.django_db(transaction=True)

AMOUNTS: dict[str, Any] = {
    "name": "spent",
    "sql": 'SELECT "user", at, amount FROM public.bought WHERE at >= @start_date',
    "column_mapping": {
        "anonymous_id": "user",
        "timestamp": "at",
        "value": "amount",
        "reward_type": "numeric",
    },
}
CONFIG = make_config(reward={"name": "spent", "type": "numeric"})
UNREAD = [math.nan, math.nan, math.inf, -math.inf, 1e300]
# Every reward is worth an amount that no number holds.
ABSURD_SQL = (
    "SELECT anonymous_id, timestamp_utc, CASE WHEN name = 'purchase' THEN 1e300 "
    "ELSE 1 END AS value FROM managed_dw.rewards"
)


def launch(second: SecondServer) -> tuple[Api, dict[str, Any]]:
    """Return an admin's API, and a live optimization of a shop whose amounts are odd."""
    alice = factories.make_admin_api(factories.make_organization())
    shop.connect_warehouse(alice, second)
    alice.post("/warehouse/assignment-sources", shop.SOURCE)
    metric = read_body(alice.post("/warehouse/metrics", AMOUNTS))["id"]
    optimization = shop.create_optimization(
        alice, metric, holdout_percentage=20, training_data_config=CONFIG
    )
    touches, _ = shop.simulate_history(
        optimization["id"], timezone.now(), holdout_percentage=20
    )
    values = [*UNREAD, *(10.0 + number % 7 for number in range(200))]
    rewards = [
        Reward(touch.user, touch.at + timedelta(hours=1), value)
        for touch, value in zip(touches, values, strict=False)
    ]
    second.store(optimization["id"], touches, rewards)
    return alice, optimization


def test_a_count_names_how_many_amounts_of_which_metric_are_no_numbers(
    second: SecondServer,
) -> None:
    alice, optimization = launch(second)
    shop.request_training(alice, optimization)
    assert shop.train_queued_run(optimization["id"]).error == ""

    path = f"/optimizations/{optimization['id']}"
    results = read_body(alice.get(f"{path}/results"))
    (row,) = read_body(alice.get("/optimizations"))["optimizations"]

    check = results["checks"]["unread_amounts"]
    assert (check["ok"], check["rewards"]) == (False, 5)
    assert check["examples"][0] == {"value": "NaN", "rewards": 2}
    payers = sum(variant["rewarded_users"] for variant in results["variants"])
    assert payers == 200
    for health in (results["health"], row["summary"]["health"]):
        (reason,) = [r for r in health["reasons"] if r["code"] == "unread_amounts"]
        assert reason["message"].startswith(
            "5 rewards of “spent” have a value that is no finite number below 1e40 in "
            "size: “NaN” (2), "
        )
        assert "counts as one who did not pay" in reason["message"]
        assert "CASE WHEN amount BETWEEN" in reason["next"]


def test_a_preview_and_a_save_count_amounts_that_are_no_numbers(
    second: SecondServer,
) -> None:
    alice, _ = launch(second)

    preview = read_body(
        alice.post(
            "/warehouse/preview",
            {name: AMOUNTS[name] for name in ("sql", "column_mapping")},
        )
    )
    saved = read_body(alice.post("/warehouse/metrics", {**AMOUNTS, "name": "again"}))

    for warnings in (preview["warnings"], saved["warnings"]):
        (warning,) = [text for text in warnings if "no finite number" in text]
        assert warning.startswith("Rows whose 'amount' is no finite number below 1e40")
        assert ": 5. They count as no amount" in warning
        assert "CASE WHEN amount BETWEEN" in warning


def test_the_sql_that_a_reason_suggests_ends_it(second: SecondServer) -> None:
    alice, optimization = launch(second)
    metric_path = f"/warehouse/metrics/{optimization['reward_metric_id']}"
    expression = "CASE WHEN amount BETWEEN -1e12 AND 1e12 THEN amount END AS amount"
    sql = AMOUNTS["sql"].replace("at, amount", f"at, {expression}")

    assert alice.patch(metric_path, {"sql": sql}).status_code == 200
    path = f"/optimizations/{optimization['id']}"
    results = read_body(alice.get(f"{path}/results?refresh=true"))

    assert results["checks"]["unread_amounts"]["rewards"] == 0
    codes = [reason["code"] for reason in results["health"]["reasons"]]
    assert "unread_amounts" not in codes


@pytest.mark.parametrize("is_guardrail", [False, True])
def test_a_query_of_the_managed_store_may_compute_such_amounts_too(
    *, is_guardrail: bool
) -> None:
    organization = make_organization()
    spent = value_metrics.make_metric(organization, "numeric", name="Spent")
    spent.sql = ABSURD_SQL
    spent.save()
    role: dict[str, Any] = (
        {"guardrail_metric_ids": [spent.pk]}
        if is_guardrail
        else {"reward_metric_id": spent.pk, "training_data_config": CONFIG}
    )
    optimization: Optimization = make_visited_optimization(organization, **role)
    api = factories.make_member_api(organization)
    path = f"/optimizations/{optimization.pk}"

    health = read_body(api.get(f"{path}/results?refresh=true"))["health"]
    again = read_body(api.get(f"{path}/results"))["health"]
    guardrails = read_body(api.get(f"{path}/guardrails"))

    code = "guardrail_unread_amounts" if is_guardrail else "unread_amounts"
    for known in (health, again, guardrails["health"]):
        (reason,) = [r for r in known["reasons"] if r["code"] == code]
        assert "rewards of “Spent” have a value" in reason["message"]
        assert "“1" in reason["message"]
    notes = [note for row in guardrails["guardrails"] for note in row["notes"]]
    assert any("no finite number" in note for note in notes) == is_guardrail


def test_sound_amounts_pass_the_check() -> None:
    organization = make_organization()
    spent = value_metrics.make_metric(organization, "numeric", name="Spent")
    optimization = train_and_return(
        make_visited_optimization(
            organization, reward_metric_id=spent.pk, training_data_config=CONFIG
        )
    )
    api = factories.make_member_api(organization)

    results = read_body(api.get(f"/optimizations/{optimization.pk}/results"))

    check = results["checks"]["unread_amounts"]
    assert check == {"ok": True, "rewards": 0, "reason": None, "examples": []}
