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

SMALLEST_SPREAD = 1e-30


@dataclass(frozen=True, slots=True)
class Quartiles:
    """Posterior mean and quartiles of a share."""

    mean: float
    q1: float
    q3: float


@dataclass(frozen=True, slots=True)
class FactorImportance:
    """Share of the spread of variant rewards that one factor's main effects explain."""

    factor: str
    share: Quartiles


@dataclass(frozen=True, slots=True)
class FactorUtility:
    """A level's mean reward over all variants that have it, minus that of all variants.

    In units of the reward, over the mix of contexts; a factor's levels sum to 0.
    """

    factor: str
    level: str
    effect: PosteriorEstimate


@dataclass(frozen=True, slots=True)
class ContextImportance:
    """Share of the spread of variant rewards that differs by a context factor's level.

    Spread within each level, averaged over levels by their users; what variants do
    the same everywhere does not count. 0: nothing to personalise by this factor. None:
    the model leaves out what the factor does to some design factor.
    """

    factor: str
    share: PosteriorEstimate | None


def compute_factor_importance(
    design: Design, drawn: RewardDraws
) -> tuple[FactorImportance, ...]:
    """Shares by factor, of the variance of rewards over the full table of variants."""
    return tuple(
        FactorImportance(factor.name, _summarize_quartiles(share))
        for factor, share in zip(
            design.factors, _compute_main_shares(design, drawn), strict=True
        )
    )


def compute_interaction_importance(
    design: Design, drawn: RewardDraws
) -> Quartiles | None:
    """Share of the variance of rewards that no factor's main effects explain.

    None where the model leaves out what some factors do together.
    """
    pairs = sum(term.kind == "pair" for term in design.terms)
    if pairs < comb(_count_free_factors(design), 2):
        return None
    rest = 1.0 - sum(_compute_main_shares(design, drawn), np.zeros(len(drawn.reward)))
    spread = drawn.reward.var(axis=1) > SMALLEST_SPREAD
    return _summarize_quartiles(np.where(spread, np.maximum(rest, 0.0), 0.0))


def compute_factor_utilities(
    design: Design, drawn: RewardDraws
) -> tuple[FactorUtility, ...]:
    """Effects of every level of every design factor."""
    return tuple(
        FactorUtility(factor.name, level, summarize_draws(effects[:, index]))
        for f, factor in enumerate(design.factors)
        for effects in [_compute_level_effects(design, drawn, f)]
        for index, level in enumerate(factor.levels)
    )


def compute_context_importance(
    design: Design, drawn: RewardDraws
) -> tuple[ContextImportance, ...]:
    """Shares by context factor; see ContextImportance."""
    found = []
    for c, context in enumerate(design.contexts):
        levels = [level for level in drawn.levels if level.context == c]
        whole = _has_all_interactions(design, c)
        share = summarize_draws(_compute_differing_share(levels)) if whole else None
        found.append(ContextImportance(context.name, share))
    return tuple(found)


def _has_all_interactions(design: Design, context: int) -> bool:
    """Tell whether the model has a term for the context with every design factor."""
    crossed = [
        term
        for term in design.terms
        if term.kind == "personal" and term.contexts == (context,)
    ]
    return len(crossed) == _count_free_factors(design)


def _count_free_factors(design: Design) -> int:
    """Count the design factors that have something to choose."""
    return sum(size > 1 for size in design.sizes)


def _compute_level_effects(design: Design, drawn: RewardDraws, factor: int) -> Floats:
    """Mean reward [draws, levels] of a level's variants minus that of all."""
    member = design.variant_levels[:, factor, None] == np.arange(design.sizes[factor])
    centred = drawn.reward - drawn.reward.mean(axis=1, keepdims=True)
    return np.asarray(centred @ (member / member.sum(axis=0)))


def _compute_main_shares(design: Design, drawn: RewardDraws) -> list[Floats]:
    """Share [draws] of each factor; the table of variants is balanced, so they add."""
    spread = drawn.reward.var(axis=1)
    return [
        _compute_share(
            (_compute_level_effects(design, drawn, f) ** 2).mean(axis=1), spread
        )
        for f in range(len(design.factors))
    ]


def _compute_differing_share(levels: list[LevelDraws]) -> Floats:
    """Share [draws] of the spread within levels that is not common to them."""
    total = sum(level.share for level in levels)
    weights = [level.share / total for level in levels]
    centred = [_center_rewards(level.reward) for level in levels]
    pairs = list(zip(weights, centred, strict=True))
    common = np.sum([weight * table for weight, table in pairs], axis=0)
    own = sum(((w * ((t - common) ** 2).mean(axis=1)) for w, t in pairs), _ZERO)
    spread = sum(((w * (t**2).mean(axis=1)) for w, t in pairs), _ZERO)
    return _compute_share(own, spread)


_ZERO: Floats = np.zeros(1)


def _center_rewards(reward: Floats) -> Floats:
    return np.asarray(reward - reward.mean(axis=1, keepdims=True))


def _compute_share(part: Floats, whole: Floats) -> Floats:
    enough = whole > SMALLEST_SPREAD
    return np.asarray(np.where(enough, part / np.where(enough, whole, 1.0), 0.0))


def _summarize_quartiles(values: Floats) -> Quartiles:
    q1, q3 = np.quantile(values, [0.25, 0.75])
    return Quartiles(float(values.mean()), float(q1), float(q3))
