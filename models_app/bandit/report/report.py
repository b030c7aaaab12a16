"""The report of a training: figures for users, with intervals, shares and progress."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.amount_bound import AmountBound
from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.regression import blas_threads
from models_app.bandit.report import (
    delays,
    even_split,
    importance,
    interactions,
    lift,
    posterior_draws,
)
from models_app.bandit.report.baseline import BaselineReward
from models_app.bandit.report.coefficients import Coefficient, compute_coefficients
from models_app.bandit.report.draw_sums import UserMix
from models_app.bandit.report.even_split import EvenSplit, ServedUsers
from models_app.bandit.report.importance import (
    ContextImportance,
    FactorImportance,
    FactorUtility,
    Quartiles,
)
from models_app.bandit.report.interactions import Interaction
from models_app.bandit.report.posterior_draws import (
    CountedUsers,
    LiftEstimate,
    PosteriorEstimate,
    RewardDraws,
)
from models_app.bandit.report.variant_summary import (
    ContextSummary,
    VariantRanking,
    VariantSummary,
)
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import FittedReward, RewardPosterior

NOTE_IMMATURE = (
    "no user is past the horizon yet; rewards are those so far and may still grow"
)


@dataclass(frozen=True, slots=True)
class ShippedFigures:
    """The figures of `Report` where every context cell gets its leading variant only."""

    estimated_improvement_percent: LiftEstimate | None
    estimated_improvement: PosteriorEstimate
    estimated_progress: float


@dataclass(frozen=True, slots=True)
class Report:
    """Modeled figures of one training; see `build_report`.

    `reward_model` is the kind of model that was fit (RewardModelKind); `notes` are
    remarks on it for users; `delays_differ` is why its figures cannot be relied on. A
    lift is None if the baseline's reward may be zero; an importance is None if the model
    leaves out the interactions that it measures. Fields with a default are missing in
    reports of earlier versions.
    """

    variants: tuple[VariantSummary, ...]
    contexts: tuple[ContextSummary, ...]
    coefficients: tuple[Coefficient, ...]
    best_variant: int
    best_vs_baseline_percent: LiftEstimate | None
    estimated_improvement_percent: LiftEstimate | None
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
    shipped: ShippedFigures | None = None
    amount_bound: AmountBound | None = None
    delays_differ: str | None = None
    personalization_percent: LiftEstimate | None = None
    even_split: EvenSplit | None = None


def build_report(  # noqa: PLR0913 - three inputs; all options are keyword-only
    fitted_reward: FittedReward,
    compiled_policy: CompiledPolicy,
    cells: TrainingCells,
    *,
    enabled: NDArray[np.bool_],
    holdout_share: float,
    seed: int,
    minimize: bool = False,
    users: CountedUsers | None = None,
    served: Sequence[ServedUsers] = (),
) -> Report:
    """Report on a fitted reward and the allocation compiled from it.

    Every figure is computed per joint posterior draw (4,000, fewer with many variants
    and contexts), then summarized by its mean and central 95%, lifts in percent by their
    median too. `best_variant` is the leader: the variant most likely to be best.
    `best_vs_baseline_percent` compares it with the baseline; `estimated_improvement` (in
    units of the reward, and in percent) compares the current allocation with it.
    `personalization_percent` compares the leading variant of each context cell with the
    leader for everybody; None without contexts.
    `estimated_progress` is 1 - E[best - current] / E[best - uniform], with the best of
    each context cell. `shipped` has the figures of the allocation after shipping.

    `enabled` is [V]; `holdout_share` is from 0 to 1. `users` are all users, of
    any age; None: those of `cells`. Shares of context cells are theirs;
    `historic_reward` is the plain mean of `cells` (None without users). `served` are
    those of `users` whom `even_split` compares with an even split of them.
    With `minimize` a low reward is good: the lowest is best everywhere, but lifts keep
    their sign.

    Raises ValueError, naming the argument, for impossible `enabled` or `holdout_share`.
    """
    design = fitted_reward.design
    _validate_arguments(design, enabled, holdout_share)
    periods = even_split.tabulate_periods(design, cells, served)
    reward_posterior = reward_model.to_reward_posterior(fitted_reward)
    mix = UserMix(
        posterior_draws.compute_context_mix(design, cells, users),
        periods.groups,
        even_split.list_odds(reward_posterior),
    )
    sign = -1.0 if minimize else 1.0
    with blas_threads.use_single_thread():
        draws = posterior_draws.draw_rewards(
            fitted_reward, compiled_policy, mix, enabled, seed, sign
        )
        coefficients = compute_coefficients(fitted_reward)
    ranking = VariantRanking(enabled, sign, 1 - holdout_share)
    prob_best = _compute_prob_best(ranking, draws, compiled_policy)
    leader = ranking.find_leader(prob_best)
    return Report(
        variants=ranking.summarize_variants(draws.reward, draws.weight, prob_best),
        contexts=tuple(
            ranking.summarize_level(design, leader, level) for level in draws.levels
        ),
        coefficients=coefficients,
        best_variant=leader + 1,
        interactions=interactions.estimate_interactions(
            design, draws, cells, sign, users=users
        ),
        reward_model=reward_posterior.kind,
        notes=(
            *_collect_notes(reward_posterior),
            *_note_left_out(design),
            *_note_immature(cells),
            *_note_bounded(cells),
        ),
        even_split=even_split.summarize_even_split(
            periods, reward_posterior, draws.group_reward
        ),
        delays_differ=delays.find_delay_difference(design, cells),
        amount_bound=cells.bound if isinstance(cells, AmountCells) else None,
        **_compare_with_baseline(draws, leader),
        **_compute_importances(design, draws),
        **_summarize_users(cells),
    )


def _collect_notes(posterior: RewardPosterior) -> tuple[str, ...]:
    """Return the notes of the reward and of its parts, without duplicates."""
    part_notes = (note for part in posterior.posteriors for note in part.notes)
    return tuple(dict.fromkeys((*posterior.notes, *part_notes)))


def _validate_arguments(
    design: Design, enabled: NDArray[np.bool_], holdout_share: float
) -> None:
    if not 0 <= holdout_share < 1:
        raise ValueError("holdout_share: must be at least 0 and below 1")
    if enabled.shape != (design.variants,) or not enabled.any():
        raise ValueError(
            f"enabled: must hold {design.variants} booleans, at least one of them true"
        )


def _compute_prob_best(
    ranking: VariantRanking, draws: RewardDraws, compiled_policy: CompiledPolicy
) -> Floats:
    """Return the probability [V] to be best over the mix of context cells.

    Of a single context cell it is the policy's own, so that the leader of the report is
    what the policy serves most and what shipping serves.
    """
    if len(compiled_policy.prob_best) == 1:
        return np.asarray(compiled_policy.prob_best[0])
    return ranking.compute_prob_best(draws.reward)


def _compare_with_baseline(draws: RewardDraws, leader: int) -> dict[str, Any]:
    baseline = draws.reward[:, 0]
    return {
        "best_vs_baseline_percent": lift.compute_lift_percent(
            draws.reward[:, leader], baseline
        ),
        "estimated_improvement_percent": lift.compute_lift_percent(
            draws.policy_reward, baseline
        ),
        "estimated_improvement": posterior_draws.summarize_draws(
            draws.policy_reward - baseline
        ),
        "estimated_progress": lift.compute_progress(draws, draws.policy_reward),
        "expected_reward": posterior_draws.summarize_draws(draws.policy_reward),
        "baseline_reward": posterior_draws.summarize_draws(baseline),
        "baselines": draws.baselines,
        "shipped": _summarize_shipped(draws),
        "personalization_percent": _compare_with_leader(draws, leader),
    }


def _compare_with_leader(draws: RewardDraws, leader: int) -> LiftEstimate | None:
    if not draws.levels:
        return None
    return lift.compute_lift_percent(draws.leading_reward, draws.reward[:, leader])


def _summarize_shipped(draws: RewardDraws) -> ShippedFigures:
    reward, baseline = draws.leading_reward, draws.reward[:, 0]
    return ShippedFigures(
        estimated_improvement_percent=lift.compute_lift_percent(reward, baseline),
        estimated_improvement=posterior_draws.summarize_draws(reward - baseline),
        estimated_progress=lift.compute_progress(draws, reward),
    )


def _compute_importances(design: Design, draws: RewardDraws) -> dict[str, Any]:
    return {
        "factor_importance": importance.compute_factor_importance(design, draws),
        "factor_utilities": importance.compute_factor_utilities(design, draws),
        "interaction_importance": importance.compute_interaction_importance(
            design, draws
        ),
        "context_importance": importance.compute_context_importance(design, draws),
    }


def _note_left_out(design: Design) -> tuple[str, ...]:
    if not design.left_out:
        return ()
    names = ", ".join(design.left_out)
    return (f"too many coefficients to learn together; left out: {names}",)


def _note_immature(cells: TrainingCells) -> tuple[str, ...]:
    maturity = cells.maturity
    if maturity is None or not maturity.size or (maturity >= 1).any():
        return ()
    return (NOTE_IMMATURE,)


def _note_bounded(cells: TrainingCells) -> tuple[str, ...]:
    bound = cells.bound if isinstance(cells, AmountCells) else None
    if bound is None:
        return ()
    verb = "is" if bound.count == 1 else "are"
    note = (
        f"{bound.count} of the amounts {verb} above {bound.limit:.4g}, far beyond all "
        f"others; each counts as {bound.typical:.4g} for the model, and in full in "
        "measured figures"
    )
    return (note,)


def _summarize_users(cells: TrainingCells) -> dict[str, Any]:
    users = float(cells.users.sum())
    mean = cells.total / users if users > 0 else None
    return {"users": users, "historic_reward": mean}


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as plain numbers, texts, lists and dicts."""
    return asdict(report)
