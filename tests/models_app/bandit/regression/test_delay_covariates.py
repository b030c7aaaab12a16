"""A variant whose rewards arrive later is not mistaken for a worse one."""

from dataclasses import replace

import numpy as np

from benchmarks.statistics.two_variants import fit_posterior, read_contrast
from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.regression import delay_covariates

PROMPT = 0.95
"""Arrived share at any age, as in a histogram of the first variant's rewards."""

DAYS, HORIZON = 14, 7


def make_starved_variant() -> TrainingCells:
    """Return two variants of 2% over 14 days; the second's users convert after 5 days.

    In the first week the second variant got little traffic except on the first day. So
    the histogram of lags is almost entirely that of the first, which converts at once.
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
        elapsed=np.where(mature, 1.0, age / (HORIZON + 1)),
    )


def test_a_starved_variant_is_judged_by_the_horizon_and_not_by_prompt_lags() -> None:
    cells = make_starved_variant()

    contrast = read_contrast(fit_posterior(cells))
    by_lags_alone = read_contrast(fit_posterior(replace(cells, elapsed=None)))

    assert contrast.holds(0.0)
    assert abs(contrast.mean) < 0.15
    assert by_lags_alone.mean < contrast.mean - 0.1


def test_users_with_all_rewards_arrived_are_like_those_past_the_horizon() -> None:
    cells = replace(make_starved_variant(), maturity=np.full(2 * DAYS, 0.999))

    steps = delay_covariates.compute_delay_steps(cells, np.arange(2 * DAYS))

    assert steps.shape == (2 * DAYS, 0)
