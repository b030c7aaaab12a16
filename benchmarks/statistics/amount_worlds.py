"""Simulated payments: their distributions, two arms over days, and what is true of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.arrays import Arm, Array, build_conversion_arm
from optimizations.cube.amounts import CAP_DAYS, CAP_PAYERS, CAP_SHARE
from warehouse.sql.cube.amount_buckets import EDGES

RATE = 0.05  # of users pay
TRUTH_SEED, TRUTH_SIZE = 5, 2_000_000

AMOUNTS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "constant": lambda _rng, size: np.ones(size),
    "lognormal 1": lambda rng, size: np.exp(rng.normal(0, 1, size)),
    "lognormal 2": lambda rng, size: np.exp(2 * rng.normal(0, 1, size)),
    "Pareto 2.2": lambda rng, size: 1 + rng.pareto(2.2, size),
    "Pareto 1.5": lambda rng, size: 1 + rng.pareto(1.5, size),
    # a fifth of those who paid are left with a loss half as large
    "refunds": lambda rng, size: (
        np.exp(rng.normal(0, 1, size)) * np.where(rng.random(size) < 0.8, 1.0, -0.5)
    ),
}
MEANS = {
    "constant": 1.0,
    "lognormal 1": np.exp(0.5),
    "lognormal 2": np.exp(2.0),
    "Pareto 2.2": 2.2 / 1.2,
    "Pareto 1.5": 1.5 / 0.5,
    "refunds": 0.7 * np.exp(0.5),
}


@dataclass(frozen=True, slots=True)
class Effect:
    """How many times the payers, and how many times the amounts, the optimized arm has."""

    payers: float = 1.0
    amounts: float = 1.0

    @property
    def ratio(self) -> float:
        return self.payers * self.amounts


@dataclass(frozen=True, slots=True)
class Payments:
    """Values [k] of payers and the run, day and regime of each, flat in `cell`."""

    users: Array  # [run, day, regime]
    values: Array
    cell: NDArray[np.int64]

    def sum_arm(self, values: Array, users: Array | None = None) -> Arm:
        """Return running totals over days of one value per payer, 0 for the others."""
        shape = self.users.shape
        sums = [
            np.bincount(self.cell, weights, self.users.size).reshape(shape)
            for weights in (values, values * values)
        ]
        totals = (self.users if users is None else users, *sums)
        return Arm(*(np.cumsum(array, axis=1) for array in totals))

    def count_payers(self) -> Arm:
        """Return users, and payers with a value above zero, as running totals."""
        arm = self.sum_arm((self.values > 0).astype(float))
        return build_conversion_arm(arm.users, arm.value_sum)

    def count_rewarded(self) -> Arm:
        """Return users, and those with a counted reward, as running totals."""
        arm = self.sum_arm(np.ones(self.values.shape))
        return build_conversion_arm(arm.users, arm.value_sum)

    def sum_logs(self) -> Arm:
        """Return the logarithms of payments above zero; the users are the payers."""
        positive = self.values > 0
        logs = np.log(np.where(positive, self.values, 1.0))
        payers = np.bincount(self.cell, positive, self.users.size).astype(float)
        return self.sum_arm(logs, payers.reshape(self.users.shape))

    def sum_capped(self, caps: Array) -> Arm:
        """Return values cut to the cap of their run [run]."""
        cap = caps[self.cell // (self.users.shape[1] * self.users.shape[2])]
        return self.sum_arm(np.clip(self.values, -cap, cap))


def sum_both(
    payments: tuple[Payments, Payments], sum_arm: Callable[[Payments], Arm]
) -> tuple[Arm, Arm]:
    """Return the same totals of both arms."""
    return sum_arm(payments[0]), sum_arm(payments[1])


def draw_payments(
    rng: np.random.Generator, users: Array, kind: str, effect: Effect
) -> Payments:
    """Draw what the users [run, day, regime] of one arm pay."""
    counts = rng.binomial(users.astype(np.int64), RATE * effect.payers)
    values = effect.amounts * AMOUNTS[kind](rng, int(counts.sum()))
    cell = np.repeat(np.arange(counts.size, dtype=np.int64), counts.ravel())
    return Payments(users.astype(float), values, cell)


def fix_caps(arms: tuple[Payments, Payments]) -> tuple[Array, Array]:
    """Return each run's cap [run], and the day on which it is fixed.

    As the service fixes it: on the first day, from the week's end on, with enough payers.
    """
    runs, days, regimes = arms[0].users.shape
    cells = np.concatenate([arm.cell for arm in arms])
    values = np.concatenate([arm.values for arm in arms])
    cells, values = cells[values > 0], values[values > 0]
    run, day = cells // (days * regimes), cells // regimes % days
    counts = np.bincount(run * days + day, minlength=runs * days).reshape(runs, days)
    enough = counts.cumsum(axis=1) >= CAP_PAYERS
    enough[:, : CAP_DAYS - 1] = False
    fixed = np.where(enough.any(axis=1), enough.argmax(axis=1), days)
    early = day <= fixed[run]
    bucket = np.searchsorted(EDGES, values[early])
    size = len(EDGES) + 1
    buckets = np.bincount(run[early] * size + bucket, minlength=runs * size)
    buckets = buckets.reshape(runs, size).cumsum(axis=1)
    place = (buckets < CAP_SHARE * buckets[:, -1:]).sum(axis=1)
    return np.array([*EDGES, np.inf])[place], fixed


def compute_capped_ratio(kind: str, effect: Effect, caps: Array) -> Array:
    """Return the true ratio of capped revenue for each cap."""
    distinct, place = np.unique(caps, return_inverse=True)
    amounts = _draw_truth(kind)
    ratios = [
        np.clip(effect.amounts * amounts, -cap, cap).mean()
        / np.clip(amounts, -cap, cap).mean()
        for cap in distinct
    ]
    ratio: Array = effect.payers * np.array(ratios)[place]
    return ratio


@cache
def _draw_truth(kind: str) -> Array:
    return AMOUNTS[kind](np.random.default_rng(TRUTH_SEED), TRUTH_SIZE)
