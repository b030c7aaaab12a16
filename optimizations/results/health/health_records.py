"""The stored health of optimizations, as of the last count: read without loading counts.

What changes without a count is added: failed counts, and the age of the counts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.utils import timezone

from optimizations.configuration import past_violations, regimes
from optimizations.models import CountFailure, Optimization, ResultsSummary
from optimizations.results.health import health, missing_counts
from optimizations.results.health.health import AgeCheck, Health, HealthReason


@dataclass(frozen=True, slots=True)
class CountedReasons:
    """The reasons that counts gave, and when those were counted.

    Attributes
    ----------
    guardrails: of the violated ones, by the id of the metric.
    past: of those that were violated, or not counted, until they were detached or
        redefined, by the id of the metric.
    revisions: by which each metric was counted last, by its id; None if that is unknown.

    """

    checks: list[HealthReason]
    guardrails: Mapping[UUID, HealthReason]
    as_of: datetime | None
    past: Sequence[tuple[UUID, HealthReason]] = ()
    revisions: Mapping[UUID, int] | None = field(default_factory=dict)


class GuardrailMetric(Protocol):
    """What health needs to know of an attached guardrail."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AttachedGuardrail:
    """A guardrail that an optimization has now."""

    name: str
    revision: int


NO_REASONS = CountedReasons([], {}, None)


@dataclass(frozen=True, slots=True)
class HealthRows:
    """What is stored of one optimization's health: the last count, and what has no count."""

    counted: CountedReasons
    attached: Mapping[UUID, GuardrailMetric]
    failures: Iterable[CountFailure]


def load_health(optimization: Optimization) -> Health:
    """Return the health as of the last count."""
    return build_health(optimization, load_reasons(optimization))


def load_health_rows(optimization: Optimization) -> HealthRows:
    """Return what is stored, read now."""
    return HealthRows(
        load_reasons(optimization),
        _load_attached([optimization]).get(optimization.pk, {}),
        _load_failures([optimization]).get(optimization.pk, ()),
    )


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
        [
            _read_past_violation(violation)
            for violation in row.past_violations
            if past_violations.UNDECIDED not in violation
        ],
        None
        if row.counted_revisions is None
        else {UUID(key): number for key, number in row.counted_revisions.items()},
    )


def _read_past_violation(violation: Mapping[str, Any]) -> tuple[UUID, HealthReason]:
    reason = HealthReason(**violation["reason"])
    if reason.code == past_violations.NOT_COUNTED:
        return UUID(violation["metric_id"]), reason
    return UUID(violation["metric_id"]), health.describe_past_violation(
        reason, violation["cause"], violation["ended_on"]
    )


def build_health(optimization: Optimization, reasons: CountedReasons) -> Health:
    """Return the health of one optimization; see `build_healths`."""
    return build_healths([optimization], {optimization.pk: reasons})[optimization.pk]


def build_healths(
    optimizations: Sequence[Optimization], reasons: Mapping[UUID, CountedReasons]
) -> dict[UUID, Health]:
    """Add failed counts and age to the reasons of each optimization; return all by id.

    A guardrail that was violated or not counted when it was detached stays among the reasons.
    """
    failures = _load_failures(optimizations)
    attached = _load_attached(optimizations)
    return {
        optimization.pk: judge_optimization(
            optimization,
            reasons.get(optimization.pk, NO_REASONS),
            attached.get(optimization.pk, {}),
            failures.get(optimization.pk, ()),
        )
        for optimization in optimizations
    }


def judge_optimization(
    optimization: Optimization,
    reasons: CountedReasons,
    attached: Mapping[UUID, GuardrailMetric],
    failures: Iterable[CountFailure],
) -> Health:
    """Return the health by reasons, attached guardrail metrics and failures, all loaded."""
    counted = {optimization.reward_metric_id, *attached}
    failed = [failure for failure in failures if failure.metric_id in counted]
    violated = {
        metric_id: reason
        for metric_id, reason in reasons.guardrails.items()
        if metric_id in attached
    }
    age = health.describe_age(check_age(optimization, reasons.as_of))
    failed_ids = {failure.metric_id for failure in failed}
    return health.judge_health(
        [
            *reasons.checks,
            *violated.values(),
            *(
                reason
                for metric_id, reason in reasons.past
                if metric_id not in violated
            ),
            *(
                health.describe_failed_count(
                    failure.metric.name,
                    failure.message,
                    failure.failed_at,
                    was_counted=reasons.revisions is None  # an earlier version counted
                    or failure.metric_id in reasons.revisions,
                )
                for failure in failed
            ),
            *_list_uncounted(optimization, reasons, attached, failed_ids, age),
            *age,
        ],
        reasons.as_of,
    )


def _list_uncounted(
    optimization: Optimization,
    reasons: CountedReasons,
    attached: Mapping[UUID, GuardrailMetric],
    failed: Collection[UUID],
    age: Sequence[HealthReason],
) -> list[HealthReason]:
    """Return a reason for each metric that nothing has counted as it is now.

    Of one that failed, the failure tells, and of a first count that is overdue, the age.
    """
    metric = optimization.reward_metric
    if optimization.went_live_at is None or metric is None:
        return [missing_counts.DRAFT_REASON]
    if reasons.as_of is None:
        if metric.pk in failed or age or metric.pk in (reasons.revisions or {}):
            return []
        return [missing_counts.UNCOUNTED_REASON]
    # Once shipped or ended, a metric that changes is no longer counted, on purpose.
    is_counting = optimization.status in regimes.COUNTING_STATUSES
    revisions = reasons.revisions

    def is_uncounted(metric_id: UUID, revision: int) -> bool:
        if revisions is None or metric_id in failed:
            return False
        counted = revisions.get(metric_id)
        return counted is None or (is_counting and counted != revision)

    uncounted = [
        missing_counts.describe_uncounted_guardrail(guardrail.name)
        for metric_id, guardrail in attached.items()
        if is_uncounted(metric_id, guardrail.revision)
    ]
    if is_uncounted(metric.pk, metric.revision):
        return [missing_counts.REDEFINED_REASON, *uncounted]
    return uncounted


def check_age(optimization: Optimization, as_of: datetime | None) -> AgeCheck:
    """Check how old the counts are, if the optimization is live."""
    is_live = optimization.status == Optimization.Status.LIVE
    live_since = optimization.went_live_at if is_live else None
    minutes = optimization.retrain_every_minutes
    return health.check_age(as_of, live_since, timezone.now(), minutes)


def _load_attached(
    optimizations: Sequence[Optimization],
) -> dict[UUID, dict[UUID, AttachedGuardrail]]:
    """Return the guardrails that each optimization has now, by name, by their ids."""
    attached: defaultdict[UUID, dict[UUID, AttachedGuardrail]] = defaultdict(dict)
    links: Any = Optimization.guardrail_metrics.through.objects
    rows = links.filter(optimization__in=[row.pk for row in optimizations])
    columns = ("optimization_id", "metric_id", "metric__name", "metric__revision")
    for row in rows.order_by("metric__name", "metric_id").values_list(*columns):
        optimization_id, metric_id, name, revision = row
        attached[optimization_id][metric_id] = AttachedGuardrail(name, revision)
    return attached


def _load_failures(
    optimizations: Sequence[Optimization],
) -> dict[UUID, list[CountFailure]]:
    failures: defaultdict[UUID, list[CountFailure]] = defaultdict(list)
    rows = CountFailure.objects.filter(optimization__in=optimizations)
    for failure in rows.select_related("metric").order_by("metric__name", "pk"):
        failures[failure.optimization_id].append(failure)
    return failures
