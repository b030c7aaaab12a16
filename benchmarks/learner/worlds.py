"""Designs, posteriors and cells of a given size, for every kind of reward."""

from collections.abc import Callable
from typing import Any

import numpy as np

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards.reward_model import RewardModelKind, RewardPosterior

WEIGHTS = (3.0, 1.0)
# Number of posteriors of each kind of reward model.
PART_COUNTS: dict[RewardModelKind, int] = {
    "chance": 1,
    "hurdle": 2,
    "mean": 1,
    "outcomes": len(WEIGHTS),
}


def build_design(sizes: tuple[int, ...], contexts: tuple[int, ...]) -> Design:
    """Return a design of these sizes; the design adds 'other' and 'missing' to contexts."""
    return Design(_build_factors("factor", sizes), _build_factors("context", contexts))


def build_posterior(kind: RewardModelKind, design: Design) -> RewardPosterior:
    """Return arbitrary posteriors of a reward, uncertain about every effect."""
    rng, size = np.random.default_rng(0), 1 + design.columns
    parts = []
    for _ in range(PART_COUNTS[kind]):
        root = rng.normal(0, 0.3 / np.sqrt(size), (size, size))
        parts.append(Posterior(design, rng.normal(0, 0.3, size), root @ root.T))
    names = tuple(f"part {index}" for index in range(PART_COUNTS[kind]))
    weights = WEIGHTS if kind == "outcomes" else ()
    return RewardPosterior(kind, tuple(parts), names, weights)


def simulate_cells(kind: str, design: Design, count: int, strata: int) -> TrainingCells:
    """Simulate `count` cells of 50 to 499 users; kind: bool, numeric or outcomes."""
    rng = np.random.default_rng(1)
    variant = rng.integers(design.variants, size=count)
    context = rng.integers(design.context_cells, size=count)
    effects = design.rows(variant, context) @ rng.normal(0, 0.08, design.columns)
    users = rng.integers(50, 500, count).astype(np.float64)
    chance = 1 / (1 + np.exp(3.0 - effects))
    columns: dict[str, Any] = {
        "stratum": np.sort(rng.integers(strata, size=count)),
        "stratum_time": np.arange(strata, dtype=np.float64),
        "variant": variant,
        "context": context,
        "users": users,
        "successes": rng.binomial(users.astype(int), chance).astype(np.float64),
    }
    return CELL_BUILDERS[kind](columns, effects, rng)


def _build_bool_cells(
    columns: dict[str, Any], effects: Floats, rng: np.random.Generator
) -> TrainingCells:
    del effects, rng
    return TrainingCells(**columns)


def _simulate_amount_cells(
    columns: dict[str, Any], effects: Floats, rng: np.random.Generator
) -> AmountCells:
    count = len(effects)
    payer = np.repeat(np.arange(count), columns["successes"].astype(int))
    logs = rng.normal(3.4 + 0.5 * effects[payer], 1.0)
    return AmountCells(
        **columns,
        value_sum=sum_by_index(payer, np.exp(logs), count),
        value_sum_squares=sum_by_index(payer, np.exp(2 * logs), count),
        log_sum=sum_by_index(payer, logs, count),
        log_sum_squares=sum_by_index(payer, logs**2, count),
        others=np.zeros(count),
    )


def _simulate_outcome_cells(
    columns: dict[str, Any], effects: Floats, rng: np.random.Generator
) -> OutcomeCells:
    better_chance = 1 / (1 + np.exp(1 - effects))
    better = rng.binomial(columns["successes"].astype(int), better_chance)
    counts = np.stack([better, columns["successes"] - better], axis=1)
    keys = tuple(str(weight) for weight in WEIGHTS)
    return OutcomeCells(**columns, counts=counts, keys=keys, weights=WEIGHTS)


CELL_BUILDERS: dict[str, Callable[..., TrainingCells]] = {
    "bool": _build_bool_cells,
    "numeric": _simulate_amount_cells,
    "outcomes": _simulate_outcome_cells,
}


def _build_factors(kind: str, sizes: tuple[int, ...]) -> tuple[Factor, ...]:
    return tuple(
        Factor(f"{kind} {index}", tuple(map(str, range(size))))
        for index, size in enumerate(sizes)
    )
