"""What the model says, from the stored report of the version that serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from metrics.models import Metric
from metrics.stats import BaselineSanity, Interval
from models_app.models import StoredReport
from models_app.state import NOT_TRAINED
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.checks import calibration
from optimizations.results.lift import measured_lift_by_context
from optimizations.results.model import leader, model_support
from optimizations.results.model.leader import Leader
from optimizations.results.model.served_model import ServedModel
from optimizations.results.readings import (
    even_split,
    model_effects,
    personalization,
)
from optimizations.results.readings.context_results import MeasuredLevels
from optimizations.results.readings.even_split import EvenSplit
from optimizations.results.readings.model_effects import ModelEffects
from optimizations.results.reasons import (
    NO_BASELINE,
    NOT_IN_REPORT,
    Reasons,
    WithholdingReasons,
    explain_missing_lift,
    read_lift,
)

IMPROVEMENT_NAMES = ("estimated_improvement_percent", "estimated_improvement_interval")
BEST_NAMES = ("best_vs_baseline_percent", "best_vs_baseline_interval")
PERSONALIZATION_NAMES = ("personalization_percent", "personalization_interval")
STAT_NAMES = (
    *IMPROVEMENT_NAMES,
    "best_variant",
    *BEST_NAMES,
    "estimated_progress",
    *PERSONALIZATION_NAMES,
)
LIST_NAMES = (
    "factor_importance",
    "factor_utilities",
    "interactions",
    "context_importance",
    "contexts",
    "interaction_importance",
)
REWARD_FIGURES = ("expected_reward_mean", "expected_reward_lo", "expected_reward_hi")
VARIANT_FIGURES = ("prob_best", *REWARD_FIGURES)
REWARD_MODEL_NOTE = (
    "chance: the chance of a conversion. hurdle: the chance to pay times the amount. "
    "mean: the amount itself, normal. outcomes: the chance of each outcome."
)
NOTES_NOTE = "What training noticed, and why figures of the model are withheld."


@dataclass(frozen=True, slots=True)
class ModelStats:
    """The main figures of the model."""

    estimated_improvement_percent: Annotated[
        float | None,
        "What is served now against the baseline: the median. Null while the interval "
        "includes 0.",
    ]
    estimated_improvement_interval: Interval | None
    best_variant: Annotated[
        int | None, "The leader: the enabled variant with the highest prob_best."
    ]
    best_vs_baseline_percent: Annotated[
        float | None,
        "best_variant against the baseline: the median. Null while the interval "
        "includes 0, and if the baseline leads.",
    ]
    best_vs_baseline_interval: Interval | None
    estimated_progress: Annotated[float | None, "0 to 1."]
    personalization_percent: Annotated[
        float | None,
        "The leading variant of each context against best_variant for everybody: the "
        "median. Null while the interval includes 0.",
    ]
    personalization_interval: Interval | None


NO_STATS = ModelStats(*(8 * [None]))


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
    even_split: EvenSplit
    effects: ModelEffects
    estimates: dict[int, VariantEstimate]
    model: ModelNotes
    unavailable: Reasons


def build_modeled_results(
    optimization: Optimization,
    served: ServedModel,
    cube: ObservationCube,
    sanity: BaselineSanity | None,
    broken: str | None,
) -> ModeledResults:
    """Read the report of what is served; withhold what cannot be relied on.

    Everything is withheld until a user is mature, and while the arms do not compare like
    with like, which `broken` says. All modeled rewards and comparisons are withheld if the
    model misses the recent holdout, by `sanity`. Those of the allocation are also withheld where variants changed since the
    last training, and where too few users support them.
    """
    report, metric = served.report, optimization.reward_metric
    if not report or metric is None or sanity is None:
        return _build_untrained_results(metric)
    withheld = WithholdingReasons(
        broken=broken or report.get("broken"),
        distrusted=calibration.explain_distrust(report, sanity),
        unlearned=served.unlearned,
        unsupported=model_support.explain_missing_support(metric, cube),
        immature=model_support.explain_immaturity(cube),
    )
    best = leader.find_leader(report, served.enabled)
    stats, reasons = build_stats(report, best, withheld.allocation)
    levels = MeasuredLevels(
        measured_lift_by_context.compare_arms_by_level(optimization, metric, cube),
        measured_lift_by_context.compute_level_shares(optimization, cube),
    )
    effects = model_effects.build_model_effects(report, levels, withheld)
    estimates, missing = _build_variant_estimates(report, withheld)
    compared, not_compared = even_split.build_even_split(report, metric, withheld.past)
    return ModeledResults(
        stats=stats,
        even_split=compared,
        effects=effects,
        estimates=estimates,
        model=_describe_model(
            optimization, report, withheld.broken or withheld.distrusted
        ),
        unavailable=reasons | not_compared | missing | effects.unavailable,
    )


def check_sanity(
    optimization: Optimization, served: ServedModel, cube: ObservationCube
) -> BaselineSanity | None:
    """Return whether the model that serves reproduces the holdout; None without one."""
    metric = optimization.reward_metric
    if not served.report or metric is None:
        return None
    return calibration.check_calibration(served.report, cube, metric)


def _build_untrained_results(metric: Metric | None) -> ModeledResults:
    """Return results before the first training: nulls, and lists without rows."""
    names = [
        *(f"stats.{name}" for name in STAT_NAMES),
        *(f"variants.{name}" for name in VARIANT_FIGURES),
        *even_split.NAMES,
        *LIST_NAMES,
        "model.reward_model",
        "checks.baseline_sanity",
    ]
    reasons = dict.fromkeys(names, NOT_TRAINED)
    effects = ModelEffects([], [], None, [], [], [], reasons)
    compared = even_split.build_nothing(metric)
    return ModeledResults(
        NO_STATS, compared, effects, {}, ModelNotes(None, []), reasons
    )


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


def build_stats(
    report: StoredReport, best: Leader | None, withheld: str | None
) -> tuple[ModelStats, Reasons]:
    """Return the main figures, with the reason of each that is null."""
    if withheld or best is None:
        reason = withheld or NOT_IN_REPORT
        return NO_STATS, {f"stats.{name}": reason for name in STAT_NAMES}
    improvement = read_lift(report["estimated_improvement_percent"])
    best_lift, reason = leader.read_best_lift(report, best)
    gain, no_gain = personalization.read_personalization(report, best)
    missing = (
        explain_missing_lift(improvement, *IMPROVEMENT_NAMES, NO_BASELINE)
        | explain_missing_lift(best_lift, *BEST_NAMES, reason)
        | explain_missing_lift(gain, *PERSONALIZATION_NAMES, no_gain)
    )
    unavailable = {f"stats.{name}": reason for name, reason in missing.items()}
    return ModelStats(
        estimated_improvement_percent=improvement.median if improvement else None,
        estimated_improvement_interval=improvement.interval if improvement else None,
        best_variant=best.number,
        best_vs_baseline_percent=best_lift.median if best_lift else None,
        best_vs_baseline_interval=best_lift.interval if best_lift else None,
        estimated_progress=report["estimated_progress"],
        personalization_percent=gain.median if gain else None,
        personalization_interval=gain.interval if gain else None,
    ), unavailable


def _build_variant_estimates(
    report: StoredReport, withheld: WithholdingReasons
) -> tuple[dict[int, VariantEstimate], Reasons]:
    """Return what the model says of each variant, by number, and why it does not."""
    estimates = {
        row["number"]: _build_variant_estimate(row, withheld)
        for row in report["variants"]
    }
    unavailable: Reasons = {}
    if reason := withheld.chances:
        unavailable["variants.prob_best"] = reason
    if reason := withheld.rewards:
        unavailable |= {f"variants.{name}": reason for name in REWARD_FIGURES}
    return estimates, unavailable


def _build_variant_estimate(
    row: Mapping[str, Any], withheld: WithholdingReasons
) -> VariantEstimate:
    prob_best = None if withheld.chances else row["prob_best"]
    if withheld.rewards:
        return VariantEstimate(prob_best)
    reward = row["expected_reward"]
    return VariantEstimate(prob_best, reward["mean"], reward["lo"], reward["hi"])
