"""The stored health of optimizations, as of the last count: read without loading counts.

What changes without a count is added: failed counts, and the age of the counts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from optimizations.models import CountFailure, Optimization, ResultsSummary
from optimizations.results import health
from optimizations.results.health import AgeCheck, Health, HealthReason


@dataclass(frozen=True, slots=True)
class CountedReasons:
    """The reasons that counts gave, and when those were counted."""

    checks: list[HealthReason]
    guardrails: Mapping[UUID, HealthReason]  # by the id of the metric
    as_of: datetime | None


NO_REASONS = CountedReasons([], {}, None)


def load_health(optimization: Optimization) -> Health:
    """Return the health as of the last count."""
    return build_health(optimization, load_reasons(optimization))


def load_reasons(optimization: Optimization) -> CountedReasons:
    """Return the reasons stored at the last count; none before the first."""
    row = ResultsSummary.objects.filter(optimization=optimization).first()
    return read_reasons(row) if row else NO_REASONS


def read_reasons(row: ResultsSummary) -> CountedReasons:
    """Return the reasons of a stored summary."""
    return CountedReasons(
        [HealthReason(**reason) for reason in row.check_reasons],
        {
            UUID(metric_id): HealthReason(**reason)
            for metric_id, reason in row.guardrail_reasons.items()
        },
        row.as_of,
    )


def build_health(optimization: Optimization, reasons: CountedReasons) -> Health:
    """Return the health of one optimization; see `build_healths`."""
    return build_healths([optimization], {optimization.pk: reasons})[optimization.pk]


def build_healths(
    optimizations: Sequence[Optimization], reasons: Mapping[UUID, CountedReasons]
) -> dict[UUID, Health]:
    """Add failed counts and age to the reasons of each optimization; return all by id.

    A guardrail that was detached since its count does not matter any more.
    """
    failures = _load_failures(optimizations)
    # Only what a guardrail may have added depends on which are attached.
    guarded = [
        row
        for row in optimizations
        if row.pk in failures or reasons.get(row.pk, NO_REASONS).guardrails
    ]
    attached = _load_attached(guarded) if guarded else {}
    return {
        optimization.pk: judge_optimization(
            optimization,
            reasons.get(optimization.pk, NO_REASONS),
            attached.get(optimization.pk, ()),
            failures.get(optimization.pk, ()),
        )
        for optimization in optimizations
    }


def judge_optimization(
    optimization: Optimization,
    reasons: CountedReasons,
    attached: Collection[UUID],
    failures: Iterable[CountFailure],
) -> Health:
    """Return the health by reasons, attached guardrail metrics and failures, all loaded."""
    counted = {optimization.reward_metric_id, *attached}
    violated = reasons.guardrails.items()
    return health.judge_health(
        [
            *reasons.checks,
            *(reason for metric_id, reason in violated if metric_id in attached),
            *(
                health.describe_failed_count(
                    failure.metric.name, failure.message, failure.failed_at
                )
                for failure in failures
                if failure.metric_id in counted
            ),
            *health.describe_age(check_age(optimization, reasons.as_of)),
        ],
        reasons.as_of,
    )


def check_age(optimization: Optimization, as_of: datetime | None) -> AgeCheck:
    """Check how old the counts are, if the optimization is live."""
    is_live = optimization.status == Optimization.Status.LIVE
    live_since = optimization.went_live_at if is_live else None
    minutes = optimization.retrain_every_minutes
    return health.check_age(as_of, live_since, timezone.now(), minutes)


def _load_attached(optimizations: Sequence[Optimization]) -> dict[UUID, set[UUID]]:
    """Return the guardrail metrics that each optimization has now, by its id."""
    attached: defaultdict[UUID, set[UUID]] = defaultdict(set)
    links: Any = Optimization.guardrail_metrics.through.objects
    rows = links.filter(optimization__in=[row.pk for row in optimizations])
    for optimization_id, metric_id in rows.values_list("optimization_id", "metric_id"):
        attached[optimization_id].add(metric_id)
    return attached


def _load_failures(
    optimizations: Sequence[Optimization],
) -> dict[UUID, list[CountFailure]]:
    failures: defaultdict[UUID, list[CountFailure]] = defaultdict(list)
    rows = CountFailure.objects.filter(optimization__in=optimizations)
    for failure in rows.select_related("metric").order_by("metric__name", "pk"):
        failures[failure.optimization_id].append(failure)
    return failures
