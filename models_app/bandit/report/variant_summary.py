"""How variants stand: overall, and on each level of a context factor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Design, Floats
from models_app.bandit.report import lift, posterior_draws
from models_app.bandit.report.posterior_draws import LevelDraws, PosteriorEstimate


@dataclass(frozen=True, slots=True)
class VariantSummary:
    """A variant by the model, averaged over a mix of contexts at the time level now.

    `weight` is its share of all traffic by the current allocation, the holdout's
    baseline traffic not included.
    """

    number: int
    enabled: bool
    expected_reward: PosteriorEstimate
    prob_best: float
    weight: float


@dataclass(frozen=True, slots=True)
class ContextSummary:
    """One level of a context factor, averaged over the other context factors' mix.

    `share` is its part of the users seen; `expected_gain` the reward of its own best
    variant (highest mean there) minus, there, that of the single overall best;
    `estimated_improvement_percent` that of the current allocation there against the
    baseline (see lifts.percent).
    """

    factor: str
    level: str
    share: float
    best_variant: int
    prob_best: float
    expected_gain: PosteriorEstimate
    variants: tuple[VariantSummary, ...]
    estimated_improvement_percent: PosteriorEstimate | None = None


@dataclass(frozen=True, slots=True)
class VariantRanking:
    """Which variants may be best, which way is better (1: more), what is allocated."""

    enabled: NDArray[np.bool_]
    sign: float
    allocated: float

    def leader(self, reward: Floats) -> int:
        """Index of the enabled variant with the best mean of rewards [draws, V]."""
        return int(self._compute_merit(reward.mean(axis=0)).argmax())

    def prob_best(self, reward: Floats) -> Floats:
        """Share [V] of draws in which each variant is best."""
        best = self._compute_merit(reward).argmax(axis=1)
        counts = np.bincount(best, minlength=reward.shape[1])
        return counts.astype(np.float64) / len(reward)

    def figures(self, reward: Floats, weight: Floats) -> tuple[VariantSummary, ...]:
        """Figures of every variant from its rewards [draws, V] and weights [V]."""
        prob_best = self.prob_best(reward)
        return tuple(
            VariantSummary(
                number=v + 1,
                enabled=bool(self.enabled[v]),
                expected_reward=posterior_draws.summarize_draws(reward[:, v]),
                prob_best=float(prob_best[v]),
                weight=float(weight[v] * self.allocated),
            )
            for v in range(reward.shape[1])
        )

    def context(
        self, design: Design, overall: int, level: LevelDraws
    ) -> ContextSummary:
        """Figures of one context level beside the overall leader's there."""
        own = self.leader(level.reward)
        gain = self.sign * (level.reward[:, own] - level.reward[:, overall])
        return ContextSummary(
            factor=design.contexts[level.context].name,
            level=design.level_name(level.context, level.level),
            share=level.share,
            best_variant=own + 1,
            prob_best=float(self.prob_best(level.reward)[own]),
            expected_gain=posterior_draws.summarize_draws(gain),
            variants=self.figures(level.reward, level.weight),
            estimated_improvement_percent=lift.compute_lift_percent(
                level.policy, level.reward[:, 0]
            ),
        )

    def _compute_merit(self, reward: Floats) -> Floats:
        return np.where(self.enabled, self.sign * reward, -np.inf)
