"""What the model says, from the stored report of the version that serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from metrics import stats
from metrics.models import Metric
from metrics.stats import BaselineSanity, RewardType
from metrics.stats.normal import CRITICAL
from models_app import versions
from models_app.bandit.report.baseline import BaselineReward
from models_app.models import PolicyVersion
from models_app.state import NOT_TRAINED
from optimizations.cube import aggregates
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import measured_lift_by_context, model_effects
from warehouse.sql.cube.statement import Cell

Json = dict[str, Any]
Interval = tuple[float, float]
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
)
VARIANT_FIGURES = (
    "prob_best",
    "expected_reward_mean",
    "expected_reward_lo",
    "expected_reward_hi",
)


@dataclass(frozen=True, slots=True)
class ModeledResults:
    """Modeled figures, or null with their reason in `unavailable`.

    `model` tells what kind of model was fit, and what to know of it.
    """

    stats: Json
    sanity: BaselineSanity | None
    structure: Json
    model: Json
    unavailable: dict[str, str]


def build_modeled_results(
    optimization: Optimization, version: PolicyVersion | None, observed: ObservationCube
) -> ModeledResults:
    """Read the report; lift is withheld where the model misses the recent holdout."""
    report = version.report if version else None
    metric = optimization.reward_metric
    if report is None or metric is None:
        return _build_untrained_results()
    sanity = check_calibration(report, observed, metric)
    distrusted = _get_failure_reason(sanity)
    figures = _format_stats(report)
    missing = [name for name in STAT_NAMES if figures[name] is None]
    withheld = {f"stats.{name}": model_effects.NO_BASELINE for name in missing}
    if distrusted:
        withheld = {f"stats.{name}": distrusted for name in STAT_NAMES}
        figures = dict.fromkeys(STAT_NAMES)
    lifts = measured_lift_by_context.compare_arms_by_level(
        optimization, metric, observed
    )
    lists = model_effects.build_model_effects(report, lifts, distrusted)
    model = _describe_model(optimization, report, distrusted)
    return ModeledResults(
        figures, sanity, lists.lists, model, withheld | lists.unavailable
    )


def _build_untrained_results() -> ModeledResults:
    """Return the shape before the first training: nulls, and lists without rows."""
    lists: Json = {name: [] for name in LIST_NAMES} | {"interaction_importance": None}
    named = [
        *(f"stats.{name}" for name in STAT_NAMES),
        *(f"variants.{name}" for name in VARIANT_FIGURES),
        *lists,
        "model.reward_model",
        "checks.baseline_sanity",
    ]
    reasons = dict.fromkeys(named, NOT_TRAINED)
    model: Json = {"reward_model": None, "notes": []}
    return ModeledResults(dict.fromkeys(STAT_NAMES), None, lists, model, reasons)


def _describe_model(
    optimization: Optimization, report: Json, distrusted: str | None
) -> Json:
    """Say what was fit, what its learning noticed, and why it is not believed."""
    notes = list(report.get("notes", ()))
    if optimization.ignored_context_factors:
        names = ", ".join(optimization.ignored_context_factors)
        notes.append(f"learned without the context factors {names}")
    if distrusted:
        notes.append(distrusted)
    return {"reward_model": report.get("reward_model", "chance"), "notes": notes}


def check_calibration(
    report: Json, observed: ObservationCube, metric: Metric
) -> BaselineSanity:
    """Tell whether the model's baseline reproduces the recent holdout.

    Both over the contexts of the recent holdout: the report's own baseline_reward is
    over those of all users ever seen, and a mix that moves is no miss. Contexts that
    nobody had when it was learned are in neither. The gate of every modeled comparison:
    where `ok` is False (not None: that is too few users to tell) lift and progress are
    withheld with its `reason`.
    """
    kind = cast("RewardType", metric.reward_type)
    baseline = report["baseline_reward"]
    known_to = (baseline["hi"] - baseline["lo"]) / CRITICAL  # two sd of the model
    learned = _read_baselines(report)
    cells = observed.cells
    if learned:
        cells = tuple(cell for cell in cells if learned.means[cell.context] is not None)
    recent = aggregates.select_recent_holdout(cells, kind, known_to)
    mean, interval = baseline["mean"], (baseline["lo"], baseline["hi"])
    if learned and recent:
        mean, interval = _average_baseline(learned, recent)
    return stats.check_baseline(
        mean, interval, aggregates.compute_totals(recent, kind), kind
    )


def _read_baselines(report: Json) -> BaselineReward | None:
    kept = report.get("baselines")  # missing in reports of earlier versions
    return BaselineReward(**kept) if kept else None


def _average_baseline(
    learned: BaselineReward, recent: Sequence[Cell]
) -> tuple[float, Interval]:
    """Mean and 95% interval of the model's baseline over these users' contexts."""
    contexts = [cell.context for cell in recent]
    users = np.bincount(contexts, [cell.users for cell in recent])
    mean, sd = learned.compute_mean_and_sd(users.astype(np.float64))
    return mean, (mean - CRITICAL * sd, mean + CRITICAL * sd)


def find_distrust_reason(
    report: Json, observed: ObservationCube, metric: Metric
) -> str | None:
    """Return why modeled comparisons are withheld, or None where they are not."""
    return _get_failure_reason(check_calibration(report, observed, metric))


def _get_failure_reason(sanity: BaselineSanity) -> str | None:
    return sanity.reason if sanity.ok is False else None


def _format_stats(report: Json) -> Json:
    return {
        **_format_lift(
            "estimated_improvement", report["estimated_improvement_percent"]
        ),
        **_format_lift("best_vs_baseline", report["best_vs_baseline_percent"]),
        "estimated_progress": report["estimated_progress"],
    }


def _format_lift(name: str, estimate: Json | None) -> Json:
    interval = estimate and [estimate["lo"], estimate["hi"]]
    percent = estimate and estimate["mean"]
    return {f"{name}_percent": percent, f"{name}_interval": interval}


def build_variant_figures(
    optimization: Optimization, version: PolicyVersion | None, observed: ObservationCube
) -> dict[int, Json]:
    """Return by number what is learned of a variant: weight, prob_best, reward."""
    if version is None:  # a draft
        numbers = range(1, optimization.model.design.variants + 1)
        return {number: _format_variant(None, None) for number in numbers}
    rows = {row["number"]: row for row in (version.report or {}).get("variants", ())}
    weights = _compute_traffic_weights(optimization, version, observed)
    return {
        number: _format_variant(rows.get(number), weights[number]) for number in weights
    }


def _format_variant(row: Mapping[str, Any] | None, weight: float | None) -> Json:
    reward = row["expected_reward"] if row else {"mean": None, "lo": None, "hi": None}
    return {
        "weight": weight,
        "prob_best": row["prob_best"] if row else None,
        "expected_reward_mean": reward["mean"],
        "expected_reward_lo": reward["lo"],
        "expected_reward_hi": reward["hi"],
    }


def _compute_traffic_weights(
    optimization: Optimization, version: PolicyVersion, observed: ObservationCube
) -> dict[int, float]:
    """Return each variant's share of all traffic by the table that serves now.

    Averaged over the contexts of the users seen so far (evenly over all before any);
    the holdout's baseline traffic is not in it.
    """
    table = versions.read_table(version)
    users = aggregates.count_by_key(observed.cells, lambda cell: cell.context)
    seen = sum(found.users for found in users.values())
    mix = [
        users.get(context, Counts()).users / seen if seen else 1 / len(table)
        for context in range(len(table))
    ]
    optimized = 1 - optimization.holdout_percentage / 100
    return {
        number: float(weight) * optimized
        for number, weight in enumerate(mix @ table, start=1)
    }
