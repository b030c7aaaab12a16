"""What a training learnt, in figures for people: means, intervals, shares, progress."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from models_app.bandit import effects, figures, importance, rewards, threads
from models_app.bandit.cells import TrainingCells
from models_app.bandit.design import Design, Floats
from models_app.bandit.effects import Coefficient
from models_app.bandit.figures import Drawn, Estimate, Level
from models_app.bandit.importance import (
    ContextImportance,
    FactorImportance,
    FactorUtility,
    Quartiles,
)
from models_app.bandit.policy import Compiled
from models_app.bandit.rewards import Believed

FAINTEST = 1e-12
"""Smallest baseline reward that a lift is reckoned against."""

UNSURE = 0.005
"""Tail of the baseline's draws that may be of another sign."""

NOTHING_TO_LOSE = 1e-12
"""Share of the reward below which variants count as all alike."""


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """A variant by the model, averaged over a mix of contexts at the time level now.

    `weight` is its share of all traffic by the current allocation, the holdout's
    baseline traffic not included.
    """

    number: int
    enabled: bool
    expected_reward: Estimate
    prob_best: float
    weight: float


@dataclass(frozen=True, slots=True)
class ContextFigures:
    """One level of a context factor, averaged over the other context factors' mix.

    `share` is its part of the users seen; `expected_gain` the reward of its own best
    variant (highest mean there) minus, there, that of the single overall best.
    """

    factor: str
    level: str
    share: float
    best_variant: int
    prob_best: float
    expected_gain: Estimate
    variants: tuple[VariantFigures, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Modeled figures of one training; see `of`.

    `reward_model` is the kind of model that was fit (rewards.Belief), `notes` say what
    to know of it. A lift is None where the baseline's reward may be nothing at all.
    """

    variants: tuple[VariantFigures, ...]
    contexts: tuple[ContextFigures, ...]
    coefficients: tuple[Coefficient, ...]
    best_variant: int
    best_vs_baseline_percent: Estimate | None
    estimated_improvement_percent: Estimate | None
    estimated_progress: float
    expected_reward: Estimate
    baseline_reward: Estimate
    historic_reward: float | None
    users: float
    factor_importance: tuple[FactorImportance, ...]
    factor_utilities: tuple[FactorUtility, ...]
    interaction_importance: Quartiles
    context_importance: tuple[ContextImportance, ...]
    reward_model: str = "chance"
    notes: tuple[str, ...] = ()


def of(  # noqa: PLR0913 - the three it reports on; the rest by name
    posterior: Believed,
    compiled: Compiled,
    cells: TrainingCells,
    *,
    enabled: NDArray[np.bool_],
    holdout_share: float,
    seed: int,
    minimise: bool = False,
) -> Report:
    """Report on a posterior and the allocation compiled from it.

    Every figure is computed per joint posterior draw (4,000, fewer where variants and
    contexts are many) and then summarised by its mean and central 95%:
    `best_vs_baseline_percent` compares the variant with the highest posterior mean,
    `estimated_improvement_percent` the current allocation, both with the baseline;
    `estimated_progress` is 1 - E[best - current] / E[best - uniform], best being each
    context's own. `holdout_share` lies in 0..1. Shares of contexts are those of the
    users in `cells`; `historic_reward` is their plain mean (None without users). With
    `minimise` less is better: the best is the least, everywhere; lifts keep their sign.

    Raises ValueError for an enabled or a holdout share that cannot be.
    """
    if not 0 <= holdout_share < 1:
        raise ValueError("holdout_share: must lie in 0..1")
    if enabled.shape != (posterior.design.variants,) or not enabled.any():
        raise ValueError("enabled: one boolean per variant, at least one true")
    design, mix = posterior.design, figures.mix(posterior.design, cells)
    sign = -1.0 if minimise else 1.0
    with threads.single():
        drawn = figures.draw(posterior, compiled, mix, enabled, seed, sign)
        coefficients = effects.coefficients(posterior)
    judge = _Judge(enabled, sign, 1 - holdout_share)
    leader, baseline = judge.leader(drawn.reward), drawn.reward[:, 0]
    users = float(cells.users.sum())
    return Report(
        variants=judge.figures(drawn.reward, drawn.weight),
        contexts=tuple(judge.context(design, leader, level) for level in drawn.levels),
        coefficients=coefficients,
        best_variant=leader + 1,
        best_vs_baseline_percent=_lift(drawn.reward[:, leader], baseline),
        estimated_improvement_percent=_lift(drawn.policy, baseline),
        estimated_progress=_progress(drawn),
        expected_reward=figures.estimate(drawn.policy),
        baseline_reward=figures.estimate(baseline),
        historic_reward=cells.total / users if users > 0 else None,
        users=users,
        factor_importance=importance.factor_importance(design, drawn),
        factor_utilities=importance.factor_utilities(design, drawn),
        interaction_importance=importance.interaction_importance(design, drawn),
        context_importance=importance.context_importance(design, drawn),
        reward_model=rewards.belief(posterior).kind,
        notes=rewards.belief(posterior).notes,
    )


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as plain numbers, texts, lists and dicts."""
    return asdict(report)


def from_json(document: Mapping[str, Any]) -> Report:
    """Read back what `to_json` wrote."""
    report: Report = _read(Report, document)
    return report


def _read(kind: Any, value: Any) -> Any:
    """Rebuild a value of the annotated kind: dataclasses and tuples of them."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        given = {name: hint for name, hint in hints.items() if name in value}
        return kind(**{name: _read(hint, value[name]) for name, hint in given.items()})
    if get_origin(kind) is UnionType and isinstance(value, Mapping):
        return _read(get_args(kind)[0], value)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], item) for item in value)
    return value


@dataclass(frozen=True, slots=True)
class _Judge:
    """Which variants may be best, which way is better, what share is allocated."""

    enabled: NDArray[np.bool_]
    sign: float
    allocated: float

    def leader(self, reward: Floats) -> int:
        """Index of the enabled variant with the best mean of rewards [draws, V]."""
        return int(self._merit(reward.mean(axis=0)).argmax())

    def prob_best(self, reward: Floats) -> Floats:
        """Share [V] of draws in which each variant is best."""
        best = self._merit(reward).argmax(axis=1)
        counts = np.bincount(best, minlength=reward.shape[1])
        return counts.astype(np.float64) / len(reward)

    def figures(self, reward: Floats, weight: Floats) -> tuple[VariantFigures, ...]:
        """Figures of every variant from its rewards [draws, V] and weights [V]."""
        prob_best = self.prob_best(reward)
        return tuple(
            VariantFigures(
                number=v + 1,
                enabled=bool(self.enabled[v]),
                expected_reward=figures.estimate(reward[:, v]),
                prob_best=float(prob_best[v]),
                weight=float(weight[v] * self.allocated),
            )
            for v in range(reward.shape[1])
        )

    def context(self, design: Design, overall: int, level: Level) -> ContextFigures:
        """Figures of one context level beside the overall leader's there."""
        own = self.leader(level.reward)
        gain = self.sign * (level.reward[:, own] - level.reward[:, overall])
        return ContextFigures(
            factor=design.contexts[level.context].name,
            level=design.level_name(level.context, level.level),
            share=level.share,
            best_variant=own + 1,
            prob_best=float(self.prob_best(level.reward)[own]),
            expected_gain=figures.estimate(gain),
            variants=self.figures(level.reward, level.weight),
        )

    def _merit(self, reward: Floats) -> Floats:
        return np.where(self.enabled, self.sign * reward, -np.inf)


def _lift(reward: Floats, baseline: Floats) -> Estimate | None:
    """Relative difference in percent; finite even where nobody ever converted.

    Of a negative baseline the share of its size. None where its sign is not sure:
    then most of the draws' percentages mean nothing.
    """
    if (baseline >= 0).all():
        ratio = reward / np.maximum(baseline, FAINTEST) - 1.0
        return figures.estimate(100.0 * ratio)
    lo, hi = np.quantile(baseline, [UNSURE, 1 - UNSURE])
    if lo <= 0 <= hi:
        return None
    size = np.maximum(np.abs(baseline), min(abs(lo), abs(hi)))
    return figures.estimate(100.0 * (reward - baseline) / size)


def _progress(drawn: Drawn) -> float:
    """Share of what uniform allocation would lose that the current one does not."""
    lost = abs((drawn.best - drawn.policy).mean())
    lost_by_uniform = abs((drawn.best - drawn.uniform).mean())
    if lost_by_uniform <= NOTHING_TO_LOSE * abs(drawn.best.mean()):
        return 1.0
    return float(np.clip(1.0 - lost / lost_by_uniform, 0.0, 1.0))
