"""All results of an optimization, read once: what a page shows side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Prefetch, Subquery, prefetch_related_objects

from metrics.models import Metric
from optimizations.cube import refresh
from optimizations.models import (
    CountFailure,
    GuardrailShare,
    Optimization,
    Regime,
    Variant,
)
from optimizations.results import stored
from optimizations.results.health import health_records
from optimizations.results.health.guardrails import FixedShares
from optimizations.results.health.health_records import HealthRows
from optimizations.results.model import served_model
from optimizations.results.readings import (
    context_allocation,
    guardrail_report,
    history,
    progress,
    report,
)
from optimizations.results.readings.context_allocation import ContextAllocation
from optimizations.results.readings.guardrail_report import GuardrailList
from optimizations.results.readings.history import LiftHistoryDay
from optimizations.results.readings.progress import LoadedProgress, Progress
from optimizations.results.readings.report import LoadedResults, Results
from optimizations.results.stored import StoredCubes


@dataclass(frozen=True, slots=True)
class FullResults:
    """The results with what belongs beside them, all of the same stored counts.

    `daily` are the published days, oldest first; `regimes` are in order. `variants` are
    by number and know whether they have a screenshot, as `has_screenshot`.
    """

    results: Results
    guardrails: GuardrailList
    progress: Progress
    allocation: Sequence[ContextAllocation]
    daily: Sequence[LiftHistoryDay]
    regimes: Sequence[Regime]
    variants: Sequence[Variant]


def load_full_results(optimization: Optimization) -> FullResults:
    """Return everything of an optimization that was live, without asking a warehouse.

    Counts, model and published days are read once for all parts; one check is missing,
    that of the latest events, of which the last count tells. Do not change the
    optimization afterwards: it remembers the rows that were read with it. Raises
    ConflictError if it was never live.
    """
    fixed_shares = _read_rows(optimization)
    guardrail_metrics = optimization.list_guardrails()
    reward = stored.require_reward_metric(optimization)
    counts = refresh.load_cubes(optimization, [reward, *guardrail_metrics])
    cubes = StoredCubes(optimization, counts)
    served = served_model.load_served_model(optimization)
    has_published = getattr(optimization, "has_published_days", True)
    days = optimization.published_days.order_by("day")
    published = list(days) if has_published else []
    health_rows = _build_health_rows(optimization, guardrail_metrics)
    missing_erased = {
        metric.name: counts[metric.pk].missing_erased for metric in guardrail_metrics
    }
    variants = list(optimization.variants.with_screenshot_flag())
    loaded = LoadedResults(served, health_rows, missing_erased, variants)
    results = report.build_results(optimization, cubes, loaded=loaded)
    newest_first = [
        (day.day, day.figures.get("winner"), day.figures.get("best_lift_percent"))
        for day in reversed(published)
    ]
    return FullResults(
        results=results,
        guardrails=guardrail_report.build_guardrails(
            optimization, cubes, health_rows, fixed_shares
        ),
        progress=progress.build_progress(
            optimization, cubes, LoadedProgress(served, results.health, newest_first)
        ),
        allocation=context_allocation.build_context_allocation(
            optimization, served, cubes.load_reward_cube()
        ),
        daily=[history.read_published_day(day) for day in published],
        regimes=list(optimization.regimes.all()),
        variants=variants,
    )


def _read_rows(optimization: Optimization) -> FixedShares:
    """Read regimes, guardrails and failures; return the shares of the guardrails.

    What is known to be missing is not looked for.
    """
    failures = CountFailure.objects.select_related("metric")
    if getattr(optimization, "has_failures", True) is False:
        failures = CountFailure.objects.none()
    shares = GuardrailShare.objects.filter(
        optimization=optimization, metric=OuterRef("pk")
    )
    metrics = Metric.objects.annotate(
        fixed_share=Subquery(shares.values("share")[:1]),
        violated_on=Subquery(shares.values("first_violated_on")[:1]),
    )
    prefetch_related_objects(
        [optimization],
        "regimes",
        Prefetch("guardrail_metrics", metrics),
        Prefetch("count_failures", failures),
    )
    attached: Iterable[Any] = optimization.guardrail_metrics.all()
    return {
        metric.pk: GuardrailShare(
            share=metric.fixed_share, first_violated_on=metric.violated_on
        )
        for metric in attached
        if metric.fixed_share is not None
    }


def _build_health_rows(
    optimization: Optimization, guardrail_metrics: Sequence[Metric]
) -> HealthRows:
    summary = getattr(optimization, "results_summary", None)
    return HealthRows(
        health_records.read_reasons(summary) if summary else health_records.NO_REASONS,
        {metric.pk: metric for metric in guardrail_metrics},
        optimization.count_failures.all(),
    )
