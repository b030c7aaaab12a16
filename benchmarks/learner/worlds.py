"""Posteriors and cells of a given size, for every kind of reward."""

from collections.abc import Callable
from typing import Any

import numpy as np

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards.reward_model import RewardModelKind, RewardPosterior

WEIGHTS = (3.0, 1.0)
PARTS: dict[RewardModelKind, int] = {
    "chance": 1,
    "hurdle": 2,
    "mean": 1,
    "outcomes": len(WEIGHTS),
}


def make_design(sizes: tuple[int, ...], contexts: tuple[int, ...]) -> Design:
    """Design of these levels; a context has two more than it is given."""
    return Design(_make_factors("factor", sizes), _make_factors("context", contexts))


def make_posterior(kind: RewardModelKind, of: Design) -> RewardPosterior:
    """Return arbitrary posteriors of a reward, uncertain about every effect."""
    rng, size = np.random.default_rng(0), 1 + of.columns
    parts = []
    for _ in range(PARTS[kind]):
        half = rng.normal(0, 0.3 / np.sqrt(size), (size, size))
        parts.append(Posterior(of, rng.normal(0, 0.3, size), half @ half.T))
    names = tuple(f"part {index}" for index in range(PARTS[kind]))
    weights = WEIGHTS if kind == "outcomes" else ()
    return RewardPosterior(kind, tuple(parts), names, weights)


def make_cells(kind: str, of: Design, count: int, strata: int) -> TrainingCells:
    """Simulate so many cells, 'bool', 'numeric' or 'outcomes', of hundreds of users."""
    rng = np.random.default_rng(1)
    variant, context = (
        rng.integers(of.variants, size=count),
        rng.integers(of.segments, size=count),
    )
    effects = of.rows(variant, context) @ rng.normal(0, 0.08, of.columns)
    users = rng.integers(50, 500, count).astype(np.float64)
    chance = 1 / (1 + np.exp(3.0 - effects))
    given: dict[str, Any] = {
        "stratum": np.sort(rng.integers(strata, size=count)),
        "stratum_time": np.arange(strata, dtype=np.float64),
        "variant": variant,
        "context": context,
        "users": users,
        "successes": rng.binomial(users.astype(int), chance).astype(np.float64),
    }
    return MAKERS[kind](given, effects, rng)


def _make_bool_cells(
    given: dict[str, Any], effects: Floats, rng: np.random.Generator
) -> TrainingCells:
    del effects, rng
    return TrainingCells(**given)


def _make_amount_cells(
    given: dict[str, Any], effects: Floats, rng: np.random.Generator
) -> AmountCells:
    count = len(effects)
    payer = np.repeat(np.arange(count), given["successes"].astype(int))
    logs = rng.normal(3.4 + 0.5 * effects[payer], 1.0)
    return AmountCells(
        **given,
        value_sum=sum_by_index(payer, np.exp(logs), count),
        value_sum_squares=sum_by_index(payer, np.exp(2 * logs), count),
        log_sum=sum_by_index(payer, logs, count),
        log_sum_squares=sum_by_index(payer, logs**2, count),
        others=np.zeros(count),
    )


def _make_outcome_cells(
    given: dict[str, Any], effects: Floats, rng: np.random.Generator
) -> OutcomeCells:
    better = rng.binomial(given["successes"].astype(int), 1 / (1 + np.exp(1 - effects)))
    counts = np.stack([better, given["successes"] - better], axis=1)
    keys = tuple(str(weight) for weight in WEIGHTS)
    return OutcomeCells(**given, counts=counts, keys=keys, weights=WEIGHTS)


MAKERS: dict[str, Callable[..., TrainingCells]] = {
    "bool": _make_bool_cells,
    "numeric": _make_amount_cells,
    "outcomes": _make_outcome_cells,
}


def _make_factors(kind: str, sizes: tuple[int, ...]) -> tuple[Factor, ...]:
    return tuple(
        Factor(f"{kind} {index}", tuple(map(str, range(size))))
        for index, size in enumerate(sizes)
    )
