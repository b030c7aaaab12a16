"""All results of an optimization, read once: what a page shows side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from optimizations.models import Optimization, Regime
from optimizations.results import (
    context_allocation,
    extra_reward,
    guardrail_report,
    history,
    progress,
    report,
    served_model,
)
from optimizations.results.context_allocation import ContextAllocation
from optimizations.results.extra_reward import ExtraReward
from optimizations.results.guardrail_report import GuardrailList
from optimizations.results.history import LiftHistoryDay
from optimizations.results.progress import Progress
from optimizations.results.report import Results
from optimizations.results.stored import StoredCubes


@dataclass(frozen=True, slots=True)
class FullResults:
    """The results with what belongs beside them, all of the same stored counts.

    `daily` are the published days, oldest first; `regimes` are in order.
    """

    results: Results
    guardrails: GuardrailList
    progress: Progress
    extra: ExtraReward
    allocation: Sequence[ContextAllocation]
    daily: Sequence[LiftHistoryDay]
    regimes: Sequence[Regime]


def load_full_results(optimization: Optimization) -> FullResults:
    """Return everything of an optimization that was live, without asking a warehouse.

    Counts, model and published days are read once for all parts. Raises ConflictError
    if it was never live.
    """
    cubes = StoredCubes(optimization)
    served = served_model.load_served_model(optimization)
    daily = history.load_published_days(optimization)
    results = report.build_results(optimization, cubes, served=served)
    return FullResults(
        results=results,
        guardrails=guardrail_report.build_guardrails(optimization, cubes),
        progress=progress.build_progress(optimization, cubes, served=served),
        extra=extra_reward.compute_extra_reward(
            results.primary_metric_vs_holdout, results.unavailable
        ),
        allocation=context_allocation.build_context_allocation(
            optimization, served, cubes.load_reward_cube()
        ),
        daily=daily,
        regimes=list(optimization.regimes.all()),
    )
