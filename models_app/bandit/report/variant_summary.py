"""Summaries of variants: overall, and at each level of a context factor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Design, Floats
from models_app.bandit.report import lift, posterior_draws
from models_app.bandit.report.posterior_draws import (
    LevelDraws,
    LiftEstimate,
    PosteriorEstimate,
)


@dataclass(frozen=True, slots=True)
class VariantSummary:
    """A modeled variant, averaged over context cells at the current time level.

    `weight` is its share of traffic under the current allocation, without the holdout's
    baseline traffic.
    """

    number: int
    enabled: bool
    expected_reward: PosteriorEstimate
    prob_best: float
    weight: float


@dataclass(frozen=True, slots=True)
class ContextSummary:
    """One level of a context factor, averaged over the mix of other context factors.

    Attributes
    ----------
    share: of all users, those with this level.
    best_variant: number of the variant most likely to be best there.
    prob_best: probability that it is best there.
    expected_gain: its reward there minus that of the overall best variant.
    variants: all variants, for users with this level.
    estimated_improvement_percent: of the current allocation over the baseline there
        (see lift.compute_lift_percent).
    shipped_improvement_percent: the same of the allocation after shipping.

    """

    factor: str
    level: str
    share: float
    best_variant: int
    prob_best: float
    expected_gain: PosteriorEstimate
    variants: tuple[VariantSummary, ...]
    estimated_improvement_percent: LiftEstimate | None = None
    shipped_improvement_percent: LiftEstimate | None = None


@dataclass(frozen=True, slots=True)
class VariantRanking:
    """How to rank variants.

    Attributes
    ----------
    enabled: [V] whether a variant may be best.
    sign: 1 if a high reward is good, -1 if a low one is.
    optimized_share: share of traffic that the policy allocates.

    """

    enabled: NDArray[np.bool_]
    sign: float
    optimized_share: float

    def find_leader(self, prob_best: Floats) -> int:
        """Return the enabled variant with the highest `prob_best` [V].

        The one definition of the leader. The lowest number wins a tie.
        """
        return int(np.where(self.enabled, prob_best, -1.0).argmax())

    def compute_prob_best(self, reward: Floats) -> Floats:
        """Return the share [V] of draws in which each variant is best."""
        best = self._compute_merit(reward).argmax(axis=1)
        counts = np.bincount(best, minlength=reward.shape[1])
        return counts.astype(np.float64) / len(reward)

    def summarize_variants(
        self, reward: Floats, weight: Floats, prob_best: Floats
    ) -> tuple[VariantSummary, ...]:
        """Summarize variants: rewards [draws, V], shares of traffic [V], prob_best [V]."""
        return tuple(
            VariantSummary(
                number=v + 1,
                enabled=bool(self.enabled[v]),
                expected_reward=posterior_draws.summarize_draws(reward[:, v]),
                prob_best=float(prob_best[v]),
                weight=float(weight[v] * self.optimized_share),
            )
            for v in range(reward.shape[1])
        )

    def summarize_level(
        self, design: Design, leader: int, level: LevelDraws
    ) -> ContextSummary:
        """Summarize a context level and compare it with the overall `leader` there."""
        prob_best = self.compute_prob_best(level.reward)
        best = self.find_leader(prob_best)
        gain = self.sign * (level.reward[:, best] - level.reward[:, leader])
        return ContextSummary(
            factor=design.contexts[level.context_index].name,
            level=design.level_name(level.context_index, level.level_index),
            share=level.share,
            best_variant=best + 1,
            prob_best=float(prob_best[best]),
            expected_gain=posterior_draws.summarize_draws(gain),
            variants=self.summarize_variants(level.reward, level.weight, prob_best),
            estimated_improvement_percent=lift.compute_lift_percent(
                level.policy_reward, level.reward[:, 0]
            ),
            shipped_improvement_percent=lift.compute_lift_percent(
                level.leading_reward, level.reward[:, 0]
            ),
        )

    def _compute_merit(self, reward: Floats) -> Floats:
        return np.where(self.enabled, self.sign * reward, -np.inf)
