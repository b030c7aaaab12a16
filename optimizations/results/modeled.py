"""What the model says, from the stored report of the version that serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from metrics import stats
from metrics.models import Metric
from metrics.stats import BaselineSanity, Kind
from metrics.stats.normal import CRITICAL
from models_app import versions
from models_app.bandit.report.baseline import Baselines
from models_app.models import PolicyVersion
from optimizations.cube import aggregates
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import Observed
from optimizations.models import Optimization
from optimizations.results import measured_lift_by_context, model_effects
from warehouse.sql.cube.statement import Cell

Json = dict[str, Any]
Interval = tuple[float, float]
NOT_TRAINED = "no training has succeeded yet"
STATS = (
    "estimated_improvement_percent",
    "estimated_improvement_interval",
    "best_vs_baseline_percent",
    "best_vs_baseline_interval",
    "estimated_progress",
)
LISTS = (
    "factor_importance",
    "factor_utilities",
    "interactions",
    "context_importance",
    "contexts",
)
BELIEVED = (
    "prob_best",
    "expected_reward_mean",
    "expected_reward_lo",
    "expected_reward_hi",
)


@dataclass(frozen=True, slots=True)
class Modeled:
    """Modeled figures, or null with their reason in `unavailable`.

    `model` tells what kind of model was fit, and what to know of it.
    """

    stats: Json
    sanity: BaselineSanity | None
    structure: Json
    model: Json
    unavailable: dict[str, str]


def of(
    optimization: Optimization, version: PolicyVersion | None, observed: Observed
) -> Modeled:
    """Read the report; lift is withheld where the model misses the recent holdout."""
    report = version.report if version else None
    metric = optimization.reward_metric
    if report is None or metric is None:
        return _nothing()
    sanity = calibration(report, observed, metric)
    distrusted = _reason(sanity)
    figures = _stats(report)
    missing = [name for name in STATS if figures[name] is None]
    withheld = {f"stats.{name}": model_effects.NO_BASELINE for name in missing}
    if distrusted:
        withheld = {f"stats.{name}": distrusted for name in STATS}
        figures = dict.fromkeys(STATS)
    lifts = measured_lift_by_context.of(optimization, metric, observed)
    lists = model_effects.of(report, lifts, distrusted)
    model = _model(optimization, report, distrusted)
    return Modeled(figures, sanity, lists.lists, model, withheld | lists.unavailable)


def _nothing() -> Modeled:
    """Return the shape before the first training: nulls, and lists without rows."""
    lists: Json = {name: [] for name in LISTS} | {"interaction_importance": None}
    named = [
        *(f"stats.{name}" for name in STATS),
        *(f"variants.{name}" for name in BELIEVED),
        *lists,
        "model.reward_model",
        "checks.baseline_sanity",
    ]
    reasons = dict.fromkeys(named, NOT_TRAINED)
    model: Json = {"reward_model": None, "notes": []}
    return Modeled(dict.fromkeys(STATS), None, lists, model, reasons)


def _model(optimization: Optimization, report: Json, distrusted: str | None) -> Json:
    """Say what was fit, what its learning noticed, and why it is not believed."""
    notes = list(report.get("notes", ()))
    if optimization.ignored_context_factors:
        names = ", ".join(optimization.ignored_context_factors)
        notes.append(f"learned without the context factors {names}")
    if distrusted:
        notes.append(distrusted)
    return {"reward_model": report.get("reward_model", "chance"), "notes": notes}


def calibration(report: Json, observed: Observed, metric: Metric) -> BaselineSanity:
    """Tell whether the model's baseline reproduces the recent holdout.

    Both over the contexts of the recent holdout: the report's own baseline_reward is
    over those of all users ever seen, and a mix that moves is no miss. Contexts that
    nobody had when it was learned are in neither. The gate of every modeled comparison:
    where `ok` is False (not None: that is too few users to tell) lift and progress are
    withheld with its `reason`.
    """
    kind = cast("Kind", metric.reward_type)
    baseline = report["baseline_reward"]
    known_to = (baseline["hi"] - baseline["lo"]) / CRITICAL  # two sd of the model
    learned = _baselines(report)
    cells = observed.cells
    if learned:
        cells = tuple(cell for cell in cells if learned.means[cell.context] is not None)
    recent = aggregates.recent_holdout(cells, kind, known_to)
    mean, interval = baseline["mean"], (baseline["lo"], baseline["hi"])
    if learned and recent:
        mean, interval = _over(learned, recent)
    return stats.baseline_sanity(mean, interval, aggregates.totals(recent, kind), kind)


def _baselines(report: Json) -> Baselines | None:
    kept = report.get("baselines")  # missing in reports of earlier versions
    return Baselines(**kept) if kept else None


def _over(learned: Baselines, recent: Sequence[Cell]) -> tuple[float, Interval]:
    """Mean and 95% interval of the model's baseline over these users' contexts."""
    contexts = [cell.context for cell in recent]
    users = np.bincount(contexts, [cell.users for cell in recent])
    mean, sd = learned.over(users.astype(np.float64))
    return mean, (mean - CRITICAL * sd, mean + CRITICAL * sd)


def distrust(report: Json, observed: Observed, metric: Metric) -> str | None:
    """Return why modeled comparisons are withheld, or None where they are not."""
    return _reason(calibration(report, observed, metric))


def _reason(sanity: BaselineSanity) -> str | None:
    return sanity.reason if sanity.ok is False else None


def _stats(report: Json) -> Json:
    return {
        **_lift("estimated_improvement", report["estimated_improvement_percent"]),
        **_lift("best_vs_baseline", report["best_vs_baseline_percent"]),
        "estimated_progress": report["estimated_progress"],
    }


def _lift(name: str, estimate: Json | None) -> Json:
    interval = estimate and [estimate["lo"], estimate["hi"]]
    percent = estimate and estimate["mean"]
    return {f"{name}_percent": percent, f"{name}_interval": interval}


def variants(
    optimization: Optimization, version: PolicyVersion | None, observed: Observed
) -> dict[int, Json]:
    """Return by number what is learned of a variant: weight, prob_best, reward."""
    if version is None:  # a draft
        numbers = range(1, optimization.model.design.variants + 1)
        return {number: _variant(None, None) for number in numbers}
    rows = {row["number"]: row for row in (version.report or {}).get("variants", ())}
    weights = _weights(optimization, version, observed)
    return {number: _variant(rows.get(number), weights[number]) for number in weights}


def _variant(row: Mapping[str, Any] | None, weight: float | None) -> Json:
    reward = row["expected_reward"] if row else {"mean": None, "lo": None, "hi": None}
    return {
        "weight": weight,
        "prob_best": row["prob_best"] if row else None,
        "expected_reward_mean": reward["mean"],
        "expected_reward_lo": reward["lo"],
        "expected_reward_hi": reward["hi"],
    }


def _weights(
    optimization: Optimization, version: PolicyVersion, observed: Observed
) -> dict[int, float]:
    """Return each variant's share of all traffic by the table that serves now.

    Averaged over the contexts of the users seen so far (evenly over all before any);
    the holdout's baseline traffic is not in it.
    """
    table = versions.table(version)
    users = aggregates.counts(observed.cells, lambda cell: cell.context)
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
