"""What a training learnt, in figures for people: means, intervals, shares, progress."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.regression import blas_threads
from models_app.bandit.report import importance, interactions, lift, posterior_draws
from models_app.bandit.report.baseline import BaselineReward
from models_app.bandit.report.coefficients import Coefficient, compute_coefficients
from models_app.bandit.report.importance import (
    ContextImportance,
    FactorImportance,
    FactorUtility,
    Quartiles,
)
from models_app.bandit.report.interactions import Interaction
from models_app.bandit.report.posterior_draws import PosteriorEstimate, RewardDraws
from models_app.bandit.report.variant_summary import (
    ContextSummary,
    VariantRanking,
    VariantSummary,
)
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import FittedReward, RewardPosterior

NOTE_IMMATURE = (
    "nobody is past the horizon yet: rewards are those so far, and more may come"
)


@dataclass(frozen=True, slots=True)
class Report:
    """Modeled figures of one training; see `of`.

    `reward_model` is the kind of model that was fit (rewards.Belief), `notes` say what
    to know of it. A lift is None where the baseline's reward may be nothing at all, an
    importance where the model leaves out what it is of.
    What has a default is missing in reports of earlier versions.
    """

    variants: tuple[VariantSummary, ...]
    contexts: tuple[ContextSummary, ...]
    coefficients: tuple[Coefficient, ...]
    best_variant: int
    best_vs_baseline_percent: PosteriorEstimate | None
    estimated_improvement_percent: PosteriorEstimate | None
    estimated_progress: float
    expected_reward: PosteriorEstimate
    baseline_reward: PosteriorEstimate
    historic_reward: float | None
    users: float
    factor_importance: tuple[FactorImportance, ...]
    factor_utilities: tuple[FactorUtility, ...]
    interaction_importance: Quartiles | None
    context_importance: tuple[ContextImportance, ...]
    reward_model: str = "chance"
    notes: tuple[str, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    estimated_improvement: PosteriorEstimate | None = None
    baselines: BaselineReward | None = None


def build_report(  # noqa: PLR0913 - the three it reports on; the rest by name
    posterior: FittedReward,
    compiled: CompiledPolicy,
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
    `estimated_improvement` (in units of the reward, and in percent) the current
    allocation, both with the baseline;
    `estimated_progress` is 1 - E[best - current] / E[best - uniform], best being each
    context's own. `holdout_share` lies in 0..1. Shares of contexts are those of the
    users in `cells`; `historic_reward` is their plain mean (None without users). With
    `minimise` less is better: the best is the least, everywhere; lifts keep their sign.

    Raises ValueError for an enabled or a holdout share that cannot be.
    """
    _validate_arguments(posterior.design, enabled, holdout_share)
    design, mix = (
        posterior.design,
        posterior_draws.compute_context_mix(posterior.design, cells),
    )
    sign = -1.0 if minimise else 1.0
    with blas_threads.use_single_thread():
        drawn = posterior_draws.draw_rewards(
            posterior, compiled, mix, enabled, seed, sign
        )
        coefficients = compute_coefficients(posterior)
    judge, believed = (
        VariantRanking(enabled, sign, 1 - holdout_share),
        reward_model.to_reward_posterior(posterior),
    )
    leader = judge.leader(drawn.reward)
    return Report(
        variants=judge.figures(drawn.reward, drawn.weight),
        contexts=tuple(judge.context(design, leader, level) for level in drawn.levels),
        coefficients=coefficients,
        best_variant=leader + 1,
        interactions=interactions.estimate_interactions(design, drawn, cells, sign),
        reward_model=believed.kind,
        notes=(
            *_collect_notes(believed),
            *_note_left_out(design),
            *_note_immature(cells),
        ),
        **_compare_with_baseline(drawn, leader),
        **_compute_importances(design, drawn),
        **_summarize_users(cells),
    )


def _collect_notes(believed: RewardPosterior) -> tuple[str, ...]:
    """Of the reward, then of its parts, each once."""
    parts = (note for part in believed.posteriors for note in part.notes)
    return tuple(dict.fromkeys((*believed.notes, *parts)))


def _validate_arguments(
    design: Design, enabled: NDArray[np.bool_], holdout_share: float
) -> None:
    if not 0 <= holdout_share < 1:
        raise ValueError("holdout_share: must lie in 0..1")
    if enabled.shape != (design.variants,) or not enabled.any():
        raise ValueError("enabled: one boolean per variant, at least one true")


def _compare_with_baseline(drawn: RewardDraws, leader: int) -> dict[str, Any]:
    baseline = drawn.reward[:, 0]
    return {
        "best_vs_baseline_percent": lift.compute_lift_percent(
            drawn.reward[:, leader], baseline
        ),
        "estimated_improvement_percent": lift.compute_lift_percent(
            drawn.policy, baseline
        ),
        "estimated_improvement": posterior_draws.summarize_draws(
            drawn.policy - baseline
        ),
        "estimated_progress": lift.compute_progress(drawn),
        "expected_reward": posterior_draws.summarize_draws(drawn.policy),
        "baseline_reward": posterior_draws.summarize_draws(baseline),
        "baselines": drawn.baselines,
    }


def _compute_importances(design: Design, drawn: RewardDraws) -> dict[str, Any]:
    return {
        "factor_importance": importance.compute_factor_importance(design, drawn),
        "factor_utilities": importance.compute_factor_utilities(design, drawn),
        "interaction_importance": importance.compute_interaction_importance(
            design, drawn
        ),
        "context_importance": importance.compute_context_importance(design, drawn),
    }


def _note_left_out(design: Design) -> tuple[str, ...]:
    if not design.left_out:
        return ()
    names = ", ".join(design.left_out)
    return (f"too many coefficients to learn together; left out: {names}",)


def _note_immature(cells: TrainingCells) -> tuple[str, ...]:
    share = cells.maturity
    if share is None or not share.size or (share >= 1).any():
        return ()
    return (NOTE_IMMATURE,)


def _summarize_users(cells: TrainingCells) -> dict[str, Any]:
    users = float(cells.users.sum())
    mean = cells.total / users if users > 0 else None
    return {"users": users, "historic_reward": mean}


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as plain numbers, texts, lists and dicts."""
    return asdict(report)


def from_json(document: Mapping[str, Any]) -> Report:
    """Read back what `to_json` wrote."""
    report: Report = _rebuild_value(Report, document)
    return report


def _rebuild_value(kind: Any, value: Any) -> Any:
    """Rebuild a value of the annotated kind: dataclasses and tuples of them."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        given = {name: hint for name, hint in hints.items() if name in value}
        return kind(
            **{name: _rebuild_value(hint, value[name]) for name, hint in given.items()}
        )
    if get_origin(kind) is UnionType and isinstance(value, Mapping):
        return _rebuild_value(get_args(kind)[0], value)
    if get_origin(kind) is tuple:
        return tuple(_rebuild_value(get_args(kind)[0], item) for item in value)
    return value
