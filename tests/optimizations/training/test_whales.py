"""One huge amount does not decide the allocation, and less is better works like more."""

import itertools
import random
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from metrics.models import Metric
from models_app import versions
from models_app.bandit.design.design import Floats
from optimizations.models import Optimization
from optimizations.serving import decision, snapshot
from tests.support import (
    optimization_factories,
    staff_world,
    traffic,
    unhealthy_worlds,
)
from tests.support.factories import make_member_api, read_body
from tests.support.learning import train_model
from tests.support.value_metrics import make_metric

pytestmark = pytest.mark.django_db(transaction=True)
WHALES = (1e9, 1e5)


def alike(_variant: traffic.Json, _context: traffic.Json) -> float:
    """Return the same rate for every variant."""
    return 0.1


def find_past_day(days: int) -> datetime:
    """Return noon (UTC) of a past day: a world is the same at any hour."""
    today = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def make_visited(
    purchase: traffic.Purchase, users: int = 2100, **fields: Any
) -> Optimization:
    """Make an optimization whose visitors, seeded, buy these amounts."""
    organization = optimization_factories.make_organization()
    metric = make_metric(organization, "numeric", **fields)
    optimization = optimization_factories.make_optimization(
        organization,
        holdout_percentage=20,
        reward_metric_id=metric.pk,
        training_data_config=optimization_factories.make_config(
            reward={"name": "spent", "type": "numeric"}, context_factors=[]
        ),
    )
    start = find_past_day(4)
    traffic.simulate_visitors(optimization, start, users, alike, purchase=purchase)
    return optimization


def buy(rng: random.Random, _variant: traffic.Json) -> traffic.Json:
    """Draw an amount, the same for every variant."""
    return {"value": rng.lognormvariate(3.4, 1.0)}


def lose(rng: random.Random, variant: traffic.Json) -> traffic.Json:
    """Draw the same amount as `buy_by_headline`, negative."""
    return {"value": -buy_by_headline(rng, variant)["value"]}


def buy_by_headline(rng: random.Random, variant: traffic.Json) -> traffic.Json:
    """Draw an amount that is higher with headline B."""
    return {"value": rng.lognormvariate(4.2 if variant["headline"] == "B" else 3.4, 1)}


def send_whale(optimization: Optimization, variant: int, amount: float) -> None:
    """Let one user of a variant pay that much."""
    levels = optimization.variants.get(number=variant).levels
    seen_at = find_past_day(3).isoformat()
    exposure = traffic.build_exposure(
        optimization, "whale", variant=levels, timestamp=seen_at
    )
    traffic.send_exposures(optimization, [exposure])
    reward = traffic.build_reward("whale", timestamp=seen_at, value=amount)
    traffic.send_rewards(optimization, [reward])


def send_whales(optimization: Optimization, variant: int, amounts: list[float]) -> None:
    """Let as many new users of a variant pay these amounts, over three days."""
    levels = optimization.variants.get(number=variant).levels
    threshold = snapshot.compute_holdout_threshold(optimization.holdout_percentage)
    names = (
        name
        for name in map("whale {}".format, itertools.count())
        if not decision.is_in_holdout(str(optimization.pk), name, threshold)
    )
    exposures, rewards = [], []
    for place, (user, amount) in enumerate(zip(names, amounts, strict=False)):
        seen_at = (find_past_day(2) - timedelta(hours=8 * (place % 5))).isoformat()
        exposures.append(
            traffic.build_exposure(
                optimization, user, variant=levels, timestamp=seen_at
            )
        )
        rewards.append(traffic.build_reward(user, timestamp=seen_at, value=amount))
    traffic.send_exposures(optimization, exposures)
    traffic.send_rewards(optimization, rewards)


def get_table(optimization: Optimization) -> Floats:
    """Return the shares [V] that are served."""
    table = versions.read_table(versions.get_serving_version(optimization.model))
    return np.asarray(table[0])


def read_results(optimization: Optimization) -> Any:
    """Return the results as a member reads them."""
    api = make_member_api(optimization.organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/results"))


@pytest.mark.parametrize("amount", WHALES)
def test_one_huge_amount_does_not_take_the_traffic_and_is_named(amount: float) -> None:
    optimization = make_visited(buy)
    train_model(optimization)
    before = get_table(optimization)
    worst = int(before.argmin()) + 1
    send_whale(optimization, worst, amount)
    train_model(optimization)

    after, results = get_table(optimization), read_results(optimization)

    assert np.abs(after - before).max() < 0.1
    assert any("far beyond all others" in note for note in results["model"]["notes"])
    sanity = results["checks"]["baseline_sanity"]
    assert sanity["ok"] is True
    assert abs(results["stats"]["estimated_improvement_percent"] or 0) < 100
    # What was measured keeps the amount.
    measured = results["variants"][worst - 1]
    assert measured["mean_reward"] * measured["mature_users"] > amount


@pytest.mark.parametrize(
    ("number", "low", "high"), [(6, 1e5, 1e5), (8, 1e5, 1e9), (25, 1e5, 1e6)]
)
def test_many_huge_amounts_of_one_variant_do_not_take_the_traffic_and_are_named(
    number: int, low: float, high: float
) -> None:
    optimization = make_visited(buy)
    train_model(optimization)
    worst = int(get_table(optimization).argmin()) + 1
    amounts = np.geomspace(low, high, number)
    send_whales(optimization, worst, amounts.tolist())
    train_model(optimization)

    after, results = get_table(optimization), read_results(optimization)

    typical = make_visited(buy)
    send_whales(typical, worst, [50.0] * number)
    train_model(typical)

    # That there are so many is real; they count as buyers of typical amounts.
    assert np.abs(after - get_table(typical)).max() < 0.15
    assert any("far beyond all others" in note for note in results["model"]["notes"])
    assert results["checks"]["baseline_sanity"]["ok"] is True
    check = results["checks"]["whales"]
    assert (check["ok"], check["users"]) == (False, number)
    assert check["share"] > 0.9
    (reason,) = results["health"]["reasons"]
    assert reason["code"] == "whales"
    assert reason["message"].startswith(
        f"{number} of {check['payers']} users with an amount make up "
    )


def buy_one(_rng: random.Random, _variant: traffic.Json) -> traffic.Json:
    """Return the one price."""
    return {"value": 20.0}


@pytest.mark.parametrize("number", [3, 5, 10, 11])
def test_moderate_whales_are_bounded_and_named_by_one_rule(number: int) -> None:
    optimization = make_visited(buy_one)
    send_whales(optimization, 3, [900.0] * number)
    train_model(optimization)

    results = read_results(optimization)

    notes, check = results["model"]["notes"], results["checks"]["whales"]
    assert any(note.startswith(f"{number} of the amounts are above ") for note in notes)
    assert not any("negative" in note for note in notes)
    assert (check["ok"], check["users"], check["bounded"]) == (False, number, True)
    total = 900 * number + 20 * (check["payers"] - number)
    assert check["share"] == pytest.approx(900 * number / total)
    assert results["health"]["status"] == "warning"
    assert check["variants"] == [3]
    (reason,) = (r for r in results["health"]["reasons"] if r["code"] == "whales")
    assert "They are in variant 3. " in reason["message"]
    typical = make_visited(buy_one)
    send_whales(typical, 3, [20.0] * number)
    train_model(typical)
    # That there are so many is real; they count as buyers at the one price.
    assert np.abs(get_table(optimization) - get_table(typical)).max() < 0.15


@pytest.mark.parametrize(
    ("purchase", "amounts"), [(buy_one, [900.0] * 24), (buy, [3000.0] * 10)]
)
def test_the_few_who_make_up_most_are_named_though_the_model_learns_them(
    purchase: traffic.Purchase, amounts: list[float]
) -> None:
    optimization = make_visited(purchase)
    send_whales(optimization, 3, amounts)
    train_model(optimization)

    results = read_results(optimization)

    check = results["checks"]["whales"]
    assert (check["ok"], check["bounded"]) == (False, False)
    assert len(amounts) / 3 < check["users"] <= len(amounts)
    assert check["share"] > max(check["limit"], 0.5)
    (reason,) = (r for r in results["health"]["reasons"] if r["code"] == "whales")
    assert "the model learns from them in full" in reason["message"]
    assert check["variants"] == [3]


def test_whales_are_named_wherever_a_lift_stands(client: Client) -> None:
    optimization = make_visited(buy)
    send_whales(optimization, 2, [1e6] * 6)
    train_model(optimization)
    api = make_member_api(optimization.organization)
    client.force_login(staff_world.make_superuser())
    page = reverse("admin:optimizations_optimization_change", args=[optimization.pk])

    (row,) = read_body(api.get("/optimizations"))["optimizations"]
    answer = unhealthy_worlds.call_tool(
        api, "get_results", optimization_id=str(optimization.pk)
    )
    on_page = client.get(page).content.decode()

    words = "6 of "
    assert row["summary"]["health"]["reasons"][0]["message"].startswith(words)
    assert f"Warning: {words}" in answer["summary"]
    assert "users with an amount make up 9" in on_page
    admin = unhealthy_worlds.make_admin_api(optimization)
    assert admin.post(f"/optimizations/{optimization.pk}/ship").status_code == 409


def test_amounts_without_whales_are_healthy() -> None:
    optimization = make_visited(buy)
    train_model(optimization)

    results = read_results(optimization)

    check = results["checks"]["whales"]
    assert check["ok"] is True
    assert check["users"] > 0
    assert 0 < check["share"] < check["limit"]
    assert results["health"]["status"] == "ok"


def test_a_huge_amount_in_the_holdout_does_not_blind_the_check_of_the_model() -> None:
    optimization = make_visited(buy)
    send_whale(optimization, 1, 1e9)
    train_model(optimization)

    sanity = read_results(optimization)["checks"]["baseline_sanity"]

    assert sanity["ok"] is True
    assert sanity["holdout_mean"] < 100


@pytest.mark.parametrize("amount", [None, 1e9])
def test_less_of_positive_amounts_is_learned_like_more_of_their_negatives(
    amount: float | None,
) -> None:
    costs = make_visited(buy_by_headline, direction=Metric.Direction.DECREASE)
    losses = make_visited(lose)
    for optimization, sign in ((costs, 1), (losses, -1)):
        if amount is not None:
            send_whale(optimization, 3, sign * amount)
        train_model(optimization)

    assert get_table(costs) == pytest.approx(get_table(losses), abs=2e-3)
    assert get_table(costs)[:2].sum() > 0.5
    for optimization, sign in ((costs, 1), (losses, -1)):
        results = read_results(optimization)
        assert results["model"]["reward_model"] == "hurdle"
        assert sign * results["variants"][0]["expected_reward_mean"] > 0
        assert results["checks"]["baseline_sanity"]["ok"] is True


def test_losses_among_which_some_gain_support_what_the_model_says() -> None:
    def lose_mostly(rng: random.Random, variant: traffic.Json) -> traffic.Json:
        sign = -1 if rng.random() < 0.02 else 1
        return {"value": sign * lose(rng, variant)["value"]}

    optimization = make_visited(lose_mostly)
    train_model(optimization)

    results = read_results(optimization)

    assert results["stats"]["best_variant"] in {1, 2}
