"""Simulated amounts and weighted outcomes, and training cells of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Design, Floats

Amounts = Callable[[np.random.Generator, int, int], Floats]
"""Draws the amounts of a variant's payers: (rng, variant, payers)."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A truth: the probability [V] to pay, and how amounts are drawn."""

    design: Design
    rate: Floats
    amounts: Amounts


def log_normal_amounts(center: Floats, sd: float) -> Amounts:
    """Return amounts whose logs are normal around `center` [V]."""

    def draw(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        return np.exp(rng.normal(center[variant], sd, payers))

    return draw


def draw_effects(design: Design, sd: float, rng: np.random.Generator) -> Floats:
    """Return sums [V] of independent effects of every factor's levels."""
    total = np.zeros(design.variants)
    for factor, size in enumerate(design.sizes):
        total += rng.normal(0, sd, size)[design.variant_levels[:, factor]]
    return total


def simulate_shop_day(
    shop: Shop, users_by_variant: Floats, rng: np.random.Generator, stratum: int = 0
) -> Floats:
    """Simulate a day of users [V]; rows are (stratum, variant, users, *sum_amounts)."""
    rows = []
    for variant, users in enumerate(users_by_variant.astype(int)):
        payers = rng.binomial(users, shop.rate[variant])
        values = shop.amounts(rng, variant, payers)
        rows.append((stratum, variant, users, *sum_amounts(values)))
    return np.array(rows)


def sum_amounts(values: Floats) -> tuple[float, ...]:
    """Return payers, sum, sum of squares, both of logs, and rewards without payment."""
    paid = np.log(values[values > 0])
    others = float((values <= 0).sum())
    squares = float(values @ values)
    return len(paid), values.sum(), squares, paid.sum(), float(paid @ paid), others


def build_amount_cells(rows: Floats) -> AmountCells:
    """Return cells of rows from `simulate_shop_day`."""
    stratum, variant, users, payers, value, squares, logs, log_squares, others = rows.T
    return AmountCells(
        stratum=stratum.astype(np.int64),
        stratum_time=np.arange(int(stratum.max()) + 1, dtype=float),
        variant=variant.astype(np.int64),
        context=np.zeros(len(rows), dtype=np.int64),
        users=users,
        successes=payers,
        value_sum=value,
        value_sum_squares=squares,
        log_sum=logs,
        log_sum_squares=log_squares,
        others=others,
    )


def simulate_sales(
    shop: Shop, users: int, days: int, rng: np.random.Generator
) -> AmountCells:
    """Return cells of days whose users are spread evenly over the variants."""
    even = np.full(shop.design.variants, users // shop.design.variants)
    return build_amount_cells(
        np.concatenate([simulate_shop_day(shop, even, rng, d) for d in range(days)])
    )


def simulate_outcomes(
    rates: Floats,
    shares: Floats,
    weights: tuple[float, ...],
    users: int,
    rng: np.random.Generator,
) -> OutcomeCells:
    """Return one day's cells: probability [V] of any outcome, shares [V, K] of each."""
    size, kinds = shares.shape
    hits = rng.binomial(users, rates)
    counts = np.array(
        [rng.multinomial(n, p) for n, p in zip(hits, shares, strict=True)]
    )
    return OutcomeCells(
        stratum=np.zeros(size, dtype=np.int64),
        stratum_time=np.zeros(1),
        variant=np.arange(size),
        context=np.zeros(size, dtype=np.int64),
        users=np.full(size, float(users)),
        successes=hits.astype(float),
        counts=counts.astype(float),
        keys=tuple(f"outcome {index}" for index in range(kinds)),
        weights=weights,
    )


def as_bool_cells(cells: TrainingCells) -> TrainingCells:
    """Return the same cells as those of a bool reward."""
    return TrainingCells(
        cells.stratum,
        cells.stratum_time,
        cells.variant,
        cells.context,
        cells.users,
        cells.successes,
        cells.maturity,
    )
