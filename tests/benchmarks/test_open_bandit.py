"""On real logs the learner predicts each item's clicks in a held-back half."""

import pytest

from benchmarks.open_bandit import logs
from benchmarks.open_bandit.predictive import (
    predict_by_model,
    predict_by_plain_rates,
    split_log,
)


@pytest.mark.parametrize("kind", ["forward", "backward", "random"])
@pytest.mark.parametrize("policy", logs.POLICIES)
def test_clicks_of_the_held_back_half_lie_in_their_intervals(
    policy: str, kind: str
) -> None:
    training, held_back = split_log(logs.read_log(policy), kind, seed=1)

    prediction = predict_by_model(training, held_back)

    assert len(training.item) == len(held_back.item) == 5_000
    assert prediction.covered.mean() >= 0.9
    assert (prediction.high - prediction.low).mean() < 8
    clicks, low, high = prediction.total
    assert clicks == held_back.click.sum()
    assert low <= clicks <= high


def test_intervals_of_plain_rates_cover_too_little() -> None:
    training, held_back = split_log(logs.read_log("uniform"), "forward", seed=1)

    assert predict_by_plain_rates(training, held_back).covered.mean() < 0.8
