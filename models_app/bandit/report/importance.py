"""What moves the reward: factors, their levels, their interactions, the context."""

from dataclasses import dataclass
from math import comb

import numpy as np

from models_app.bandit.design.design import Design, Floats
from models_app.bandit.report.posterior_draws import (
    LevelDraws,
    PosteriorEstimate,
    RewardDraws,
    summarize_draws,
)

# Variance of rewards at or below which all of them count as equal.
MIN_SPREAD = 1e-30


@dataclass(frozen=True, slots=True)
class Quartiles:
    """Posterior mean and quartiles of a share."""

    mean: float
    q1: float
    q3: float


@dataclass(frozen=True, slots=True)
class FactorImportance:
    """Share of the variance of variant rewards that a factor's main effects explain."""

    factor: str
    share: Quartiles


@dataclass(frozen=True, slots=True)
class FactorUtility:
    """Mean reward of all variants with a level, minus that of all variants.

    In units of the reward, over the mix of context cells; a factor's levels sum to 0.
    """

    factor: str
    level: str
    effect: PosteriorEstimate


@dataclass(frozen=True, slots=True)
class ContextImportance:
    """Share of the variance of variant rewards that depends on a context level.

    The variance is that within each level, averaged over levels by their users. What
    variants do equally at all levels does not count. 0 means that there is nothing to
    personalize by this factor. `share` is None if the model leaves out an interaction
    of this factor with a design factor.
    """

    factor: str
    share: PosteriorEstimate | None


def compute_factor_importance(
    design: Design, draws: RewardDraws
) -> tuple[FactorImportance, ...]:
    """Return each factor's share of the variance of rewards over all variants."""
    return tuple(
        FactorImportance(factor.name, _summarize_quartiles(share))
        for factor, share in zip(
            design.factors, _compute_main_shares(design, draws), strict=True
        )
    )


def compute_interaction_importance(
    design: Design, draws: RewardDraws
) -> Quartiles | None:
    """Return the share of the variance of rewards that no main effects explain.

    None if the model leaves out an interaction of design factors.
    """
    pairs = sum(term.kind == "pair" for term in design.terms)
    if pairs < comb(_count_free_factors(design), 2):
        return None
    rest = 1.0 - sum(_compute_main_shares(design, draws), np.zeros(len(draws.reward)))
    has_spread = draws.reward.var(axis=1) > MIN_SPREAD
    return _summarize_quartiles(np.where(has_spread, np.maximum(rest, 0.0), 0.0))


def compute_factor_utilities(
    design: Design, draws: RewardDraws
) -> tuple[FactorUtility, ...]:
    """Return the effect of every level of every design factor."""
    return tuple(
        FactorUtility(factor.name, level, summarize_draws(effects[:, index]))
        for f, factor in enumerate(design.factors)
        for effects in [_compute_level_effects(design, draws, f)]
        for index, level in enumerate(factor.levels)
    )


def compute_context_importance(
    design: Design, draws: RewardDraws
) -> tuple[ContextImportance, ...]:
    """Return the importance of every context factor."""
    importances = []
    for c, context in enumerate(design.contexts):
        share = None
        if _has_all_interactions(design, c):
            levels = [level for level in draws.levels if level.context_index == c]
            share = summarize_draws(_compute_differing_share(levels))
        importances.append(ContextImportance(context.name, share))
    return tuple(importances)


def _has_all_interactions(design: Design, context_index: int) -> bool:
    """Return whether the context factor interacts with every free design factor."""
    interactions = [
        term
        for term in design.terms
        if term.kind == "personal" and term.contexts == (context_index,)
    ]
    return len(interactions) == _count_free_factors(design)


def _count_free_factors(design: Design) -> int:
    """Return the number of design factors with more than one level."""
    return sum(size > 1 for size in design.sizes)


def _compute_level_effects(design: Design, draws: RewardDraws, factor: int) -> Floats:
    """Return mean rewards [draws, levels] of a level's variants minus that of all."""
    has_level = design.variant_levels[:, factor, None] == np.arange(
        design.sizes[factor]
    )
    return np.asarray(
        _center_rewards(draws.reward) @ (has_level / has_level.sum(axis=0))
    )


def _compute_main_shares(design: Design, draws: RewardDraws) -> list[Floats]:
    """Return each factor's share [draws] of the variance of rewards.

    The shares may be added, because the table of variants is balanced.
    """
    spread = draws.reward.var(axis=1)
    return [
        _divide_spread(
            (_compute_level_effects(design, draws, f) ** 2).mean(axis=1), spread
        )
        for f in range(len(design.factors))
    ]


def _compute_differing_share(levels: list[LevelDraws]) -> Floats:
    """Return the share [draws] of the variance within levels that they do not share."""
    total = sum(level.share for level in levels)
    weights = [level.share / total for level in levels]
    centered = [_center_rewards(level.reward) for level in levels]
    pairs = list(zip(weights, centered, strict=True))
    common = np.sum([weight * table for weight, table in pairs], axis=0)
    own = sum(((w * ((t - common) ** 2).mean(axis=1)) for w, t in pairs), _ZERO)
    spread = sum(((w * (t**2).mean(axis=1)) for w, t in pairs), _ZERO)
    return _divide_spread(own, spread)


_ZERO: Floats = np.zeros(1)


def _center_rewards(reward: Floats) -> Floats:
    """Return rewards [draws, V] minus their mean over variants."""
    return np.asarray(reward - reward.mean(axis=1, keepdims=True))


def _divide_spread(part: Floats, total: Floats) -> Floats:
    """Return part / total, 0 if there is no spread."""
    has_spread = total > MIN_SPREAD
    return np.asarray(
        np.where(has_spread, part / np.where(has_spread, total, 1.0), 0.0)
    )


def _summarize_quartiles(values: Floats) -> Quartiles:
    q1, q3 = np.quantile(values, [0.25, 0.75])
    return Quartiles(float(values.mean()), float(q1), float(q3))
