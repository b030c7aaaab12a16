"""On real logs the learner foresees each item's clicks in the half held back."""

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
    learnt, held = split_log(logs.read_log(policy), kind, seed=1)

    found = predict_by_model(learnt, held)

    assert len(learnt.item) == len(held.item) == 5_000
    assert found.covered.mean() >= 0.9
    assert (found.high - found.low).mean() < 8
    clicks, low, high = found.total
    assert clicks == held.click.sum()
    assert low <= clicks <= high


def test_rates_taken_at_their_word_foresee_less() -> None:
    learnt, held = split_log(logs.read_log("uniform"), "forward", seed=1)

    assert predict_by_plain_rates(learnt, held).covered.mean() < 0.8
