"""Delays that differ by variant are found; what all variants share is no difference."""

import numpy as np
import pytest

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Floats
from models_app.bandit.report import delays
from tests.support import bandit_worlds

DESIGN = bandit_worlds.make_design((4,))
RUNS = 2000
MATURE_DAYS, YOUNG_DAYS = 10, 3


def simulate_cells(
    seed: int,
    arrived: Floats,
    *,
    base: Floats | None = None,
    first_day: tuple[int, ...] = (0, 0, 0, 0),
    users: int = 200,
) -> TrainingCells:
    """Simulate days of so many users a variant, of whom the last three days' are young.

    `arrived` [4] is the share of a variant's rewards that young users have had, where
    0.5 is expected. `base` [days] is the rate of all; a variant starts on its first day.
    """
    rng, days = np.random.default_rng(seed), MATURE_DAYS + YOUNG_DAYS
    rates = np.full(days, 0.1) if base is None else base
    day, variant = (grid.ravel() for grid in np.mgrid[0:days, 0:4])
    started = day >= np.array(first_day)[variant]
    day, variant = day[started], variant[started]
    is_young = day >= MATURE_DAYS
    chance = rates[day] * np.array([1.0, 1.2, 0.8, 1.0])[variant]
    share = np.where(is_young, arrived[variant], 1.0)
    successes = rng.binomial(users, chance * share).astype(np.float64)
    return TrainingCells(
        stratum=day,
        stratum_time=np.arange(days, dtype=np.float64),
        variant=variant,
        context=np.zeros(len(day), dtype=np.int64),
        users=np.where(is_young, users / 2, float(users)),
        successes=successes,
        maturity=np.where(is_young, 0.5, 1.0),
        seen=np.full(len(day), float(users)),
    )


def compute_alarm_share(runs: int, arrived: float | Floats, **world: object) -> float:
    """Return the share of simulated runs in which delays are said to differ."""
    shares = np.broadcast_to(np.asarray(arrived, dtype=np.float64), 4)
    notes = [
        delays.find_delay_difference(
            DESIGN,
            simulate_cells(seed, shares, **world),  # type: ignore[arg-type]
        )
        for seed in range(runs)
    ]
    return float(np.mean([note is not None for note in notes]))


@pytest.mark.parametrize("arrived", [0.2, 0.5, 0.9])
def test_equal_delays_seldom_alarm(arrived: float) -> None:
    assert compute_alarm_share(RUNS, arrived) <= 0.004


def test_a_base_rate_that_moves_is_no_difference_of_a_variant_that_started_late() -> (
    None
):
    base = np.linspace(0.05, 0.15, MATURE_DAYS + YOUNG_DAYS)

    share = compute_alarm_share(RUNS, 0.5, base=base, first_day=(0, 0, 0, 8))

    assert share <= 0.006


def test_a_variant_whose_rewards_come_later_is_found() -> None:
    later = np.array([0.5, 0.5, 0.5, 0.1])

    assert compute_alarm_share(100, later, users=500) >= 0.95


def test_without_mature_or_young_users_nothing_is_said() -> None:
    cells = bandit_worlds.build_one_day_cells([(v, 100.0, 10.0) for v in range(4)])

    assert delays.find_delay_difference(DESIGN, cells) is None
