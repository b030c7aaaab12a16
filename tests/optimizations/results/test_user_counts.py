"""Users are users, the mature ones by that name; what is worth nothing is no conversion."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from optimizations.results.readings import variant_results
from tests.support import optimization_factories, traffic, value_metrics
from tests.support.factories import make_member_api, read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.unavailable_reasons import list_nulls_without_reason

pytestmark = pytest.mark.django_db(transaction=True)
BASELINE = {"headline": "A", "cta": False}
OTHER = {"headline": "B", "cta": False}


def read(optimization: Optimization, name: str = "results?refresh=true") -> Any:
    """Return the body of a GET of a member."""
    api = make_member_api(optimization.organization)
    if name == "state":
        return read_body(api.get(f"/models/{optimization.model_id}/state"))
    return read_body(api.get(f"/optimizations/{optimization.pk}/{name}"))


def make_reward(kind: str) -> dict[str, Any]:
    """Return the field of a create body for a reward of this kind."""
    reward = {"name": "purchase", "type": kind}
    return {"training_data_config": optimization_factories.make_config(reward=reward)}


def send_users(
    optimization: Optimization,
    hours_ago: float,
    users: int,
    rewards: dict[int, dict[str, Any]],
    variant: dict[str, Any] = BASELINE,
) -> None:
    """Expose users, the last digits of whose names decide which reward they have."""
    seen_at = (timezone.now() - timedelta(hours=hours_ago)).isoformat()
    names = [f"{hours_ago} {variant} {number}" for number in range(users)]
    exposures = [
        traffic.build_exposure(
            optimization,
            name,
            variant=variant,
            timestamp=seen_at,
            context={"device": "mobile"},
        )
        for name in names
    ]
    events = [
        traffic.build_reward(name, timestamp=seen_at, **rewards[number % 10])
        for number, name in enumerate(names)
        if number % 10 in rewards
    ]
    traffic.send_exposures(optimization, exposures)
    traffic.send_rewards(optimization, events)


def test_young_users_do_not_dilute_a_rate() -> None:
    optimization = make_optimization(make_organization())
    send_users(optimization, 72, 200, {0: {}})
    send_users(optimization, 2, 400, {})

    row = read(optimization)["variants"][0]
    progress = read(optimization, "progress")
    (day, today) = sorted(
        read(optimization, "results")["time_series"], key=lambda day: day["date"]
    )
    train_model(optimization)
    state = read(optimization, "state")["variants"][0]

    assert (row["users"], row["mature_users"], row["mature_conversions"]) == (
        600,
        200,
        20,
    )
    assert row["rate"] == row["user_rate"] == row["mean_reward"] == pytest.approx(0.1)
    (old,), (young,) = day["variants"].values(), today["variants"].values()
    assert (old["mature_users"], old["mature_conversions"]) == (200, 20)
    assert (young["users"], young["mature_users"]) == (400, 0)
    assert (progress["mature_users"], progress["mature_conversions"]) == (200, 20)
    assert (state["users"], state["mature_users"], state["mature_conversions"]) == (
        600,
        200,
        20,
    )


def test_without_a_mature_user_rates_are_withheld() -> None:
    optimization = make_optimization(make_organization())
    send_users(optimization, 2, 100, {0: {}})

    body = read(optimization)

    row = body["variants"][0]
    assert row["rate"] is row["user_rate"] is row["mean_reward"] is None
    assert row["conversions"] == 10
    assert "may still come" in body["unavailable"]["variants.user_rate"]
    assert list_nulls_without_reason(body) == []


def test_a_variant_that_nobody_has_seen_has_no_rate() -> None:
    optimization = make_optimization(make_organization())
    send_users(optimization, 72, 100, {0: {}})
    body = read(optimization)
    send_users(optimization, 2, 100, {0: {}}, OTHER)
    later = read(optimization)

    seen, *unseen = body["variants"]
    assert seen["rate"] == seen["user_rate"] == pytest.approx(0.1)
    for row in unseen:
        assert row["users"] == 0
        assert row["rate"] is row["user_rate"] is row["mean_reward"] is None
    for name in variant_results.RATES:
        reason = f"variants.{name}"
        assert body["unavailable"][reason] == variant_results.NO_USER
        both = later["unavailable"][reason]
        assert variant_results.NO_USER in both
        assert "may still come" in both
    assert list_nulls_without_reason(body) == []


def test_an_outcome_of_negative_weight_is_no_conversion() -> None:
    organization = make_organization()
    outcomes = [
        {"key": "good", "weight": 2.0, "match": {"by": "name", "value": "good"}},
        {"key": "bad", "weight": -3.0, "match": {"by": "name", "value": "bad"}},
    ]
    metric = optimization_factories.make_metric(
        organization,
        sql=value_metrics.REWARDS,
        column_mapping={
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            "name": "name",
            "reward_type": "bool",
        },
        outcomes=outcomes,
    )
    optimization = make_optimization(
        organization, reward_metric_id=metric.pk, **make_reward("outcomes")
    )
    send_users(optimization, 72, 100, {0: {"name": "good"}})
    send_users(optimization, 72, 100, {n: {"name": "bad"} for n in range(5)}, OTHER)

    rows = read(optimization)["variants"]
    progress = read(optimization, "progress")
    train_model(optimization)
    state = read(optimization, "state")["variants"]

    good, bad = rows[0], next(row for row in rows if row["variant"] == OTHER)
    assert (good["conversions"], good["rewarded_users"]) == (10, 10)
    assert (bad["conversions"], bad["rewarded_users"]) == (0, 50)
    assert (good["user_rate"], bad["user_rate"]) == (pytest.approx(0.1), 0)
    assert good["mean_reward"] == pytest.approx(0.2)
    assert bad["mean_reward"] == pytest.approx(-1.5)
    assert (progress["conversions"], progress["rewarded_users"]) == (10, 60)
    assert [row["conversions"] for row in state] == [row["conversions"] for row in rows]


def test_a_refund_is_no_conversion() -> None:
    organization = make_organization()
    metric = value_metrics.make_metric(organization, "numeric")
    optimization = make_optimization(
        organization, reward_metric_id=metric.pk, **make_reward("numeric")
    )
    rewards = {0: {"value": 30.0}, 1: {"value": -20.0}}
    send_users(optimization, 72, 100, rewards)

    row = read(optimization)["variants"][0]

    assert (row["conversions"], row["rewarded_users"]) == (10, 20)
    assert row["mean_reward"] == pytest.approx(1.0)


def test_shares_of_contexts_and_users_of_interactions_are_users() -> None:
    optimization = make_optimization(make_organization())
    both = {"headline": "B", "cta": True}
    for variant in (BASELINE, OTHER, both):
        send_users(optimization, 72, 100, {0: {}}, variant)
        send_users(optimization, 1, 250, {}, variant)
    seen_at = (timezone.now() - timedelta(hours=72)).isoformat()
    desktop = [
        traffic.build_exposure(
            optimization, f"d {n}", context={"device": "desktop"}, timestamp=seen_at
        )
        for n in range(150)
    ]
    traffic.send_exposures(optimization, desktop)
    train_model(optimization)

    body, state = read(optimization), read(optimization, "state")

    shares = {row["level"]: row["share"] for row in body["contexts"]}
    assert shares == {
        "mobile": pytest.approx(1050 / 1200),
        "desktop": pytest.approx(150 / 1200),
    }
    of_state = {row["context"]["device"]: row["share"] for row in state["contexts"]}
    assert of_state == shares
    (interaction,) = body["interactions"]
    assert interaction["users"] == 350
