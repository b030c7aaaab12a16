"""What a training expects where the health says that it cannot be believed."""

import pytest

from tests.support.factories import read_body
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unhealthy_worlds import (
    lose_rewards_of_holdout,
    make_lost_holdout_rewards,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_training_that_missed_the_holdout_expects_no_reward() -> None:
    optimization = make_lost_holdout_rewards()
    api, path = make_member_api(optimization), f"/models/{optimization.model_id}"

    (run,) = read_body(api.get(f"{path}/training-runs"))["training_runs"]
    results = read_body(api.get(f"/optimizations/{optimization.pk}/results"))

    metrics, reasons = run["in_sample_metrics"], results["unavailable"]
    assert metrics["expected_reward"] is None
    assert metrics["historic_reward"] > 0
    assert metrics["unavailable"] == {
        "expected_reward": reasons["variants.expected_reward_mean"]
    }


def test_a_training_that_a_later_count_distrusts_expects_no_reward() -> None:
    optimization = make_visited_optimization(holdout_percentage=25)
    optimization = train_and_return(optimization)
    api, path = make_member_api(optimization), f"/models/{optimization.model_id}"
    (before,) = read_body(api.get(f"{path}/training-runs"))["training_runs"]
    lose_rewards_of_holdout(optimization)

    health = read_body(
        api.get(f"/optimizations/{optimization.pk}/results?refresh=full")
    )["health"]
    (listed,) = read_body(api.get(f"{path}/training-runs"))["training_runs"]
    (run,) = optimization.model.training_runs.all()
    shown = read_body(api.get(f"{path}/training-runs/{run.pk}"))

    assert before["in_sample_metrics"]["expected_reward"]["mean"] > 0
    (reason,) = health["reasons"]
    assert reason["code"] == "baseline_sanity"
    for metrics in (listed["in_sample_metrics"], shown["in_sample_metrics"]):
        assert metrics["expected_reward"] is None
        assert metrics["unavailable"] == {"expected_reward": reason["message"]}


def test_a_training_of_an_earlier_version_shows_what_it_assumed() -> None:
    optimization = train_and_return(make_visited_optimization())
    run = optimization.model.training_runs.get()
    metrics = dict(run.in_sample_metrics or {})
    assert metrics.pop("unavailable") == {}
    optimization.model.training_runs.update(in_sample_metrics=metrics)
    api = make_member_api(optimization)

    shown = read_body(
        api.get(f"/models/{optimization.model_id}/training-runs/{run.pk}")
    )["in_sample_metrics"]

    assert shown["expected_reward"] == metrics["expected_reward"]
    assert shown["unavailable"] == {}


def test_an_evaluation_has_the_health_of_the_results() -> None:
    optimization = make_lost_holdout_rewards()
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    evaluation = read_body(api.post(f"{path}/evaluate", {"policy": {"variant": 3}}))
    results = read_body(api.get(f"{path}/results"))

    assert evaluation["health"] == results["health"]
    (reason,) = evaluation["health"]["reasons"]
    assert reason["code"] == "baseline_sanity"
