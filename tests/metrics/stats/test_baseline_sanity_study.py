"""A small seeded version of the study of baseline sanity."""

import pytest

from benchmarks.statistics import baseline_sanity
from benchmarks.statistics.baseline_sanity import World

RUNS = 40


@pytest.mark.parametrize("amounts", ["bool", "lognormal 2", "Pareto 1.5", "refunds"])
def test_a_sound_world_fails_the_check_of_its_baseline_in_under_one_percent(
    amounts: str,
) -> None:
    (row,) = baseline_sanity.run_study(RUNS, 1, (World(amounts, 1000),))

    # Of a check that fails in 1%, 40 runs have at most 2 failures in 99.2%.
    assert row.failed.value * RUNS <= 2
    assert row.made.value == 1


@pytest.mark.parametrize("amounts", ["bool", "lognormal 1", "lognormal 2"])
def test_a_holdout_that_loses_all_rewards_is_found(amounts: str) -> None:
    (row,) = baseline_sanity.run_study(RUNS // 2, 2, (World(amounts, 1000, kept=0.0),))

    assert row.failed.value >= 0.9
