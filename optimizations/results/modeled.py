"""What the model says, from the stored report of the version that serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from metrics.stats import BaselineSanity, Interval
from models_app import versions
from models_app.models import PolicyVersion, StoredReport
from models_app.state import NOT_TRAINED
from optimizations.cube import aggregates
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import calibration, measured_lift_by_context, model_effects
from optimizations.results.model_effects import ModelEffects
from optimizations.results.reasons import NO_BASELINE, Reasons

STAT_NAMES = (
    "estimated_improvement_percent",
    "estimated_improvement_interval",
    "best_vs_baseline_percent",
    "best_vs_baseline_interval",
    "estimated_progress",
)
LIST_NAMES = (
    "factor_importance",
    "factor_utilities",
    "interactions",
    "context_importance",
    "contexts",
    "interaction_importance",
)
VARIANT_FIGURES = (
    "prob_best",
    "expected_reward_mean",
    "expected_reward_lo",
    "expected_reward_hi",
)
REWARD_MODEL_NOTE = (
    "chance: the chance of a conversion. hurdle: the chance to pay times the amount. "
    "mean: the amount itself, normal. outcomes: the chance of each outcome."
)
NOTES_NOTE = "What training noticed, and why figures of the model are withheld."


@dataclass(frozen=True, slots=True)
class ModelStats:
    """The main figures of the model."""

    estimated_improvement_percent: Annotated[
        float | None, "The current allocation against the baseline."
    ]
    estimated_improvement_interval: Interval | None
    best_vs_baseline_percent: Annotated[
        float | None, "The best variant against the baseline."
    ]
    best_vs_baseline_interval: Interval | None
    estimated_progress: Annotated[float | None, "0 to 1."]


NO_STATS = ModelStats(None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class ModelNotes:
    """Which model was fitted to the rewards."""

    reward_model: Annotated[
        Literal["chance", "hurdle", "mean", "outcomes"] | None, REWARD_MODEL_NOTE
    ]
    notes: Annotated[list[str], NOTES_NOTE]


@dataclass(frozen=True, slots=True)
class VariantEstimate:
    """What the model says of a variant."""

    prob_best: float | None = None
    expected_reward_mean: float | None = None
    expected_reward_lo: float | None = None
    expected_reward_hi: float | None = None


@dataclass(frozen=True, slots=True)
class ModeledResults:
    """Everything that results say of the model, with a reason for every null."""

    stats: ModelStats
    sanity: BaselineSanity | None
    effects: ModelEffects
    model: ModelNotes
    unavailable: Reasons


def build_modeled_results(
    optimization: Optimization, version: PolicyVersion | None, cube: ObservationCube
) -> ModeledResults:
    """Read the report; withhold lifts if the model misses the recent holdout."""
    report = version.report if version else None
    metric = optimization.reward_metric
    if report is None or metric is None:
        return _build_untrained_results()
    sanity = calibration.check_calibration(report, cube, metric)
    distrusted = calibration.get_failure_reason(sanity)
    figures = NO_STATS if distrusted else _build_stats(report)
    missing = [name for name in STAT_NAMES if getattr(figures, name) is None]
    reason = distrusted or NO_BASELINE
    lifts = measured_lift_by_context.compare_arms_by_level(optimization, metric, cube)
    effects = model_effects.build_model_effects(report, lifts, distrusted)
    return ModeledResults(
        figures,
        sanity,
        effects,
        _describe_model(optimization, report, distrusted),
        {f"stats.{name}": reason for name in missing} | effects.unavailable,
    )


def _build_untrained_results() -> ModeledResults:
    """Return results before the first training: nulls, and lists without rows."""
    names = [
        *(f"stats.{name}" for name in STAT_NAMES),
        *(f"variants.{name}" for name in VARIANT_FIGURES),
        *LIST_NAMES,
        "model.reward_model",
        "checks.baseline_sanity",
    ]
    reasons = dict.fromkeys(names, NOT_TRAINED)
    effects = ModelEffects([], [], None, [], [], [], reasons)
    return ModeledResults(NO_STATS, None, effects, ModelNotes(None, []), reasons)


def _describe_model(
    optimization: Optimization, report: StoredReport, distrusted: str | None
) -> ModelNotes:
    """Return which model was fitted, what training noticed, why it is distrusted."""
    notes = list(report.get("notes", ()))
    if optimization.ignored_context_factors:
        names = ", ".join(optimization.ignored_context_factors)
        notes.append(f"the model learned without the context factors {names}")
    if distrusted:
        notes.append(distrusted)
    return ModelNotes(report.get("reward_model", "chance"), notes)


def _build_stats(report: StoredReport) -> ModelStats:
    improvement = report["estimated_improvement_percent"]
    best = report["best_vs_baseline_percent"]
    return ModelStats(
        estimated_improvement_percent=improvement and improvement["mean"],
        estimated_improvement_interval=_read_interval(improvement),
        best_vs_baseline_percent=best and best["mean"],
        best_vs_baseline_interval=_read_interval(best),
        estimated_progress=report["estimated_progress"],
    )


def _read_interval(estimate: Mapping[str, Any] | None) -> Interval | None:
    return (estimate["lo"], estimate["hi"]) if estimate else None


def read_variant_estimates(version: PolicyVersion | None) -> dict[int, VariantEstimate]:
    """Return what the model says of each variant, by number; empty if untrained."""
    report = (version and version.report) or {}
    return {
        row["number"]: VariantEstimate(
            prob_best=row["prob_best"],
            expected_reward_mean=row["expected_reward"]["mean"],
            expected_reward_lo=row["expected_reward"]["lo"],
            expected_reward_hi=row["expected_reward"]["hi"],
        )
        for row in report.get("variants", ())
    }


def compute_traffic_weights(
    optimization: Optimization, version: PolicyVersion, cube: ObservationCube
) -> dict[int, float]:
    """Return each variant's share of all traffic under the policy that serves now.

    It is averaged over the contexts of the users seen so far, or evenly if there are
    none. The holdout's traffic to the baseline is not included.
    """
    table = versions.read_table(version)
    counts = aggregates.count_by_key(cube.arrays, cube.arrays.context)
    total = sum(context.users for context in counts.values())
    mix = [
        counts.get((context,), Counts()).users / total if total else 1 / len(table)
        for context in range(len(table))
    ]
    optimized = 1 - optimization.holdout_percentage / 100
    return {
        number: float(weight) * optimized
        for number, weight in enumerate(mix @ table, start=1)
    }
