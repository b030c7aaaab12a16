"""From the results of an optimization to what its verdict rests on."""

from levered_site.level_texts import name_levels
from metrics.models import Metric
from optimizations.admin.result_page.verdict import Evidence
from optimizations.admin.result_page.wording import MetricWords
from optimizations.models import Optimization
from optimizations.results.readings.full_results import FullResults
from optimizations.results.readings.report import Results


def build_evidence(
    optimization: Optimization,
    results: Results,
    full: FullResults | None,
    *,
    is_served: bool = True,
) -> Evidence:
    """Return the evidence; `full` is None for an optimization that was never live."""
    progress = full.progress if full else None
    guardrails = full.guardrails.guardrails if full else ()
    return Evidence(
        status=optimization.status,
        metric=describe_metric(optimization.reward_metric),
        holdout_percentage=optimization.holdout_percentage,
        is_counted=results.as_of is not None,
        measured=results.primary_metric_vs_holdout,
        health=results.health,
        violated=tuple(row.name for row in guardrails if row.status == "violated"),
        leader=describe_leader(results),
        days_to_decision=progress.days_to_decision if progress else None,
        no_forecast=progress.unavailable.get("days_to_decision", "")
        if progress
        else "",
        reasons=results.unavailable,
        is_served=is_served,
    )


def describe_metric(metric: Metric | None) -> MetricWords | None:
    """Return what sentences need to know of a metric."""
    if metric is None:
        return None
    is_less_better = metric.direction == Metric.Direction.DECREASE
    return MetricWords(metric.name, metric.reward_type, is_less_better)


def describe_leader(results: Results) -> str:
    """Return a sentence about the variant that leads; empty where there is none."""
    number = results.stats.best_variant
    row = next((row for row in results.variants if row.number == number), None)
    if row is None:
        return ""
    chance = "" if row.prob_best is None else f", best with {row.prob_best:.0%}"
    return (
        f"“{name_levels(row.variant)}” (no. {row.number}) leads{chance} by the model."
    )
