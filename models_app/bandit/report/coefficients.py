"""Coefficients for users: each level against the baseline, with its posterior sd."""

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

    Attributes
    ----------
    term, kind: name and kind of the design's term.
    levels: level of each factor that the effect belongs to, by factor; all other
        factors are at their first level. An interaction is the effect of the levels
        together beyond the sum of their effects alone.
    mean, sd: in log odds, except for the parts 'amount' (log amount) and, if learned as
        a plain mean, 'reward' (its own unit).
    part: name of the part of the reward that it affects (RewardPosterior.names).

    """

    term: str
    kind: str
    levels: dict[str, str]
    mean: float
    sd: float
    part: str = "reward"


def compute_coefficients(fitted_reward: FittedReward) -> tuple[Coefficient, ...]:
    """Return the q effects of one-hot coding against the baseline, for each part."""
    reward_posterior = reward_model.to_reward_posterior(fitted_reward)
    return tuple(
        coefficient
        for name, posterior in zip(
            reward_posterior.names, reward_posterior.posteriors, strict=True
        )
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
    """Return the combinations [size, factors] of levels other than the first."""
    grid = product(*(range(1, size + 1) for size in term.sizes))
    return np.array(list(grid), dtype=np.int64).reshape(term.size, len(term.sizes))


def _build_difference_rows(design: Design, term: Term, levels: Integers) -> Floats:
    """Return feature rows [size, q] of the term's differences of differences."""
    total = np.zeros((len(levels), design.columns))
    for mask in product((0, 1), repeat=levels.shape[1]):
        sign = (-1) ** (len(mask) - sum(mask))
        total += sign * _build_rows_at(design, term, levels * np.array(mask))
    return total


def _build_rows_at(design: Design, term: Term, levels: Integers) -> Floats:
    """Return feature rows [·, q] with the term's factors at these levels [·, factors].

    All other factors are at their first level.
    """
    split = len(term.factors)
    variant = _compute_row_major_index(design.sizes, term.factors, levels[:, :split])
    context = _compute_row_major_index(
        design.context_sizes, term.contexts, levels[:, split:]
    )
    return design.rows(variant, context)


def _compute_row_major_index(
    sizes: tuple[int, ...], factors: tuple[int, ...], levels: Integers
) -> Integers:
    """Return the row-major indices [n] of combinations of levels [n, factors].

    All other factors are at their first level. `sizes` are those of all factors.
    """
    index = np.zeros(len(levels), dtype=np.int64)
    for column, factor in enumerate(factors):
        index += levels[:, column] * int(np.prod(sizes[factor + 1 :]))
    return index


def _name_levels(design: Design, term: Term, levels: Integers) -> dict[str, str]:
    split = len(term.factors)
    names = {}
    for factor, level in zip(term.factors, levels[:split], strict=True):
        names[design.factors[factor].name] = design.factors[factor].levels[level]
    for context, level in zip(term.contexts, levels[split:], strict=True):
        name = design.contexts[context].name
        names[name] = design.level_name(context, int(level))
    return names
