"""A variant whose rewards come later is not taken for a worse one."""

from dataclasses import replace

import numpy as np

from benchmarks.statistics.two_variants import fit_posterior, read_contrast
from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.regression import delay_covariates

PROMPT = 0.95
"""Share of rewards that has come by any age in the histogram, told by the first."""

DAYS, HORIZON = 14, 7


def starved() -> TrainingCells:
    """Two variants of 2% over 14 days; the second's users convert after five days.

    It was starved in the first week but for its first day; so the histogram of lags is
    all but the first's, who convert at once.
    """
    day = np.repeat(np.arange(DAYS), 2)
    second = np.tile([False, True], DAYS)
    share = np.where((day > 0) & (day < HORIZON), 0.05, 0.5)
    users = 3_000 * np.where(second, share, 1 - share)
    age = DAYS - day
    mature = age > HORIZON
    successes = np.where(second & (age <= 5), 0.0, 0.02 * users)
    return TrainingCells(
        stratum=day,
        stratum_time=np.arange(DAYS, dtype=float),
        variant=second.astype(np.int64),
        context=np.zeros_like(day),
        users=np.where(mature, users, PROMPT * users),
        successes=successes.round(),
        maturity=np.where(mature, 1.0, PROMPT),
        seen=users,
        passed=np.where(mature, 1.0, age / (HORIZON + 1)),
    )


def test_a_starved_variant_is_given_the_horizon_and_not_the_lags_of_the_prompt() -> (
    None
):
    told = starved()

    known = read_contrast(fit_posterior(told))
    by_lags_alone = read_contrast(fit_posterior(replace(told, passed=None)))

    assert known.holds(0.0)
    assert abs(known.mean) < 0.15
    assert by_lags_alone.mean < known.mean - 0.1


def test_users_to_whom_all_has_come_are_like_those_past_the_horizon() -> None:
    told = replace(starved(), maturity=np.full(2 * DAYS, 0.999))

    assert delay_covariates.compute_delay_steps(told, np.arange(2 * DAYS)).shape == (
        2 * DAYS,
        0,
    )
