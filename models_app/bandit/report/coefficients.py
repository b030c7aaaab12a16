"""Coefficients as people read them: each level against the baseline, with its sd."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from models_app.bandit.design.design import Design, Floats, Integers, Term
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import FittedReward


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One effect against the baseline, with its posterior sd.

    `part` names the part of the reward that it moves (rewards.Belief): log odds, except
    for a log 'amount' and for a 'reward' learnt as a plain mean, in its own unit.
    `levels` names the level of each factor that the effect belongs to; every factor
    not named stands at its first level. An interaction is what the levels do together
    beyond what each does alone.
    """

    term: str
    kind: str
    levels: dict[str, str]
    mean: float
    sd: float
    part: str = "reward"


def compute_coefficients(believed: FittedReward) -> tuple[Coefficient, ...]:
    """Return the q effects of one-hot coding against the baseline, term by term.

    Of each part of the reward in turn.
    """
    whole = reward_model.to_reward_posterior(believed)
    return tuple(
        coefficient
        for name, posterior in zip(whole.names, whole.posteriors, strict=True)
        for coefficient in _compute_part_coefficients(name, posterior)
    )


def _compute_part_coefficients(
    part: str, posterior: Posterior
) -> tuple[Coefficient, ...]:
    design = posterior.design
    functionals = np.zeros((design.columns, design.columns))
    names: list[tuple[Term, dict[str, str]]] = []
    for term in design.terms:
        levels = _list_level_combinations(term)
        functionals[term.columns] = _build_difference_rows(design, term, levels)
        names += [(term, _name_levels(design, term, row)) for row in levels]
    means = functionals @ posterior.mean[1:]
    spread = functionals @ posterior.covariance[1:, 1:]
    variances = np.einsum("ij,ij->i", spread, functionals)
    sds = np.sqrt(np.maximum(variances, 0.0))
    return tuple(
        Coefficient(term.name, term.kind, levels, float(mean), float(sd), part)
        for (term, levels), mean, sd in zip(names, means, sds, strict=True)
    )


def _list_level_combinations(term: Term) -> Integers:
    """Combinations [size, factors] of levels other than the first."""
    grid = product(*(range(1, size + 1) for size in term.sizes))
    return np.array(list(grid), dtype=np.int64).reshape(term.size, len(term.sizes))


def _build_difference_rows(design: Design, term: Term, levels: Integers) -> Floats:
    """Feature rows [size, q] of the term's differences of differences."""
    total = np.zeros((len(levels), design.columns))
    for switched in product((0, 1), repeat=levels.shape[1]):
        sign = (-1) ** (len(switched) - sum(switched))
        chosen = levels * np.array(switched)
        total += sign * _build_rows_at(design, term, chosen)
    return total


def _build_rows_at(design: Design, term: Term, chosen: Integers) -> Floats:
    """Feature rows where the term's factors stand at `chosen`, all others at first."""
    split = len(term.factors)
    variant = _compute_cell_index(design.sizes, term.factors, chosen[:, :split])
    context = _compute_cell_index(
        design.context_sizes, term.contexts, chosen[:, split:]
    )
    return design.rows(variant, context)


def _compute_cell_index(
    sizes: tuple[int, ...], which: tuple[int, ...], chosen: Integers
) -> Integers:
    """Row-major indices [n] of cells that differ from the first in some factors."""
    index = np.zeros(len(chosen), dtype=np.int64)
    for column, factor in enumerate(which):
        index += chosen[:, column] * int(np.prod(sizes[factor + 1 :]))
    return index


def _name_levels(design: Design, term: Term, levels: Integers) -> dict[str, str]:
    split = len(term.factors)
    named = {}
    for factor, level in zip(term.factors, levels[:split], strict=True):
        named[design.factors[factor].name] = design.factors[factor].levels[level]
    for context, level in zip(term.contexts, levels[split:], strict=True):
        name = design.contexts[context].name
        named[name] = design.level_name(context, int(level))
    return named
