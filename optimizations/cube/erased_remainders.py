"""What erased people leave: counts by cell, added whenever a sealed day is counted again.

A remainder has no id of a person, and no time finer than the day of its cell: sealed days
have no hours. People of the same cell are added up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import structlog
from django.db.models import F, Q

from levered_site.errors import (
    ConflictError,
    InvalidParametersError,
    WarehouseError,
)
from metrics.models import Metric
from metrics.revisions import MetricDefinition
from optimizations.configuration.revision_regimes import RevisionRegimes
from optimizations.cube import remainder_rows, specification, stale_days_managed
from optimizations.cube.remainder_rows import Row
from optimizations.cube.specification import RevisionPlan
from optimizations.ingestion.erasure import TouchDays
from optimizations.models import CubeDay, ErasedRemainder, Optimization
from warehouse import connections
from warehouse.backends.base import Backend
from warehouse.sql.cube.statement import (
    CheckedMetric,
    CubeSpec,
    TimeGap,
)

log = structlog.get_logger(__name__)

# Metrics that no optimization counts yet may be attached later: the newest of them.
MAX_UNUSED_METRICS = 20


@dataclass(frozen=True, slots=True)
class CountPlan:
    """How to count a person for one optimization and the definition of a metric."""

    spec: CubeSpec
    metric: CheckedMetric


def plan_counts(
    organization_id: str,
    anonymous_id: str,
    touch_days: Mapping[UUID, TouchDays],
    as_of: datetime,
) -> list[CountPlan]:
    """Plan how to count a person on the days of their touches, if any of them is sealed.

    A touch of a pause counts for nobody, so the first one that counts may be later. A
    connected warehouse is the customer's own, and nobody is erased there.
    """
    if connections.is_connected(organization_id):
        return []
    warehouse = connections.load_backend(organization_id)
    optimizations = _list_sealed_optimizations(touch_days, as_of)
    # Metrics of one definition share a remainder.
    plans: dict[tuple[str, RevisionRegimes, UUID], CountPlan] = {}
    newest = Metric.objects.filter(organization_id=organization_id).order_by(
        F("created_at").desc(), "pk"
    )[:MAX_UNUSED_METRICS]
    checked_metrics: dict[str, CheckedMetric | None] = {}
    for optimization in optimizations:
        days = touch_days[optimization.pk]
        for metric in _list_metrics(optimization, newest):
            for revision in _list_revisions(optimization, metric, days, as_of):
                name = revision.spec.definition
                if name not in checked_metrics:
                    checked_metrics[name] = _validate_metric(
                        revision.definition, warehouse
                    )
                if (checked := checked_metrics[name]) is not None:
                    spec = replace(revision.spec, days=_select_days(days, revision))
                    plan = CountPlan(spec, checked)
                    plans[name, revision.regimes, optimization.pk] = plan
    return [
        replace(plan, spec=replace(plan.spec, only_user=anonymous_id))
        for plan in plans.values()
    ]


def count_person(organization_id: str, plans: Iterable[CountPlan]) -> list[Row]:
    """Count the person of the plans; return fields of remainders.

    A metric whose query fails leaves none: its error must not keep anybody's data.
    Raises UnavailableError if the store does not answer.
    """
    warehouse = connections.load_backend(organization_id)
    remainders = []
    for plan in plans:
        try:
            cube = warehouse.compute_cube(plan.spec, plan.metric, None)
        except WarehouseError as error:
            log.warning("remainder_not_counted", error=error.message)
            continue
        owner = {
            "optimization_id": UUID(plan.spec.optimization_id),
            "organization_id": organization_id,
            "definition": plan.spec.definition,
        }
        for day, rows in remainder_rows.build_rows(cube, plan.spec).items():
            remainders.append(owner | {"day": day, "rows": rows})
    return remainders


def store_remainders(remainders: Iterable[Row]) -> None:
    """Add the counts to those of people erased before; call inside a transaction."""
    for remainder in remainders:
        key = {
            name: remainder[name] for name in ("optimization_id", "definition", "day")
        }
        stored = ErasedRemainder.objects.select_for_update().filter(**key).first()
        if stored is None:
            ErasedRemainder.objects.create(**remainder)
            continue
        stored.rows = remainder_rows.add_rows([*stored.rows, *remainder["rows"]])
        stored.save(update_fields=["rows"])


def delete_remainders_before(day: date) -> None:
    """Delete what people of days left whose events were dropped: nothing counts them."""
    ErasedRemainder.objects.filter(day__lt=day).delete()


def _list_sealed_optimizations(
    touch_days: Mapping[UUID, TouchDays], as_of: datetime
) -> list[Optimization]:
    """List the optimizations for which any of the days is sealed."""
    optimizations = Optimization.objects.filter(
        pk__in=touch_days, went_live_at__isnull=False
    )
    return [
        optimization
        for optimization in optimizations.select_related("model", "reward_metric")
        if stale_days_managed.is_sealed(
            min(
                touch_days[optimization.pk].exposures
                | touch_days[optimization.pk].receipts
            ),
            optimization.model.training_data_config["attribution"]["horizon_hours"],
            as_of,
        )
    ]


def _list_metrics(
    optimization: Optimization, newest: Iterable[Metric]
) -> Iterable[Metric]:
    """Return the metrics that are counted, and those that may be later."""
    counted = CubeDay.objects.filter(optimization=optimization).values("metric_id")
    used = Metric.objects.filter(
        Q(pk=optimization.reward_metric_id)
        | Q(guarded_optimizations=optimization)
        | Q(pk__in=counted)
    ).distinct()
    return {metric.pk: metric for metric in [*newest, *used]}.values()


def _list_revisions(
    optimization: Optimization, metric: Metric, days: TouchDays, as_of: datetime
) -> list[RevisionPlan]:
    """Return the revisions of the metric that may count the person."""
    try:
        plan = specification.build_count_plan(optimization, metric, as_of)
    except ConflictError:  # nobody knows what it counted: it is never counted again
        return []
    return [revision for revision in plan.revisions if _select_days(days, revision)]


def _select_days(days: TouchDays, revision: RevisionPlan) -> tuple[date, ...]:
    """Return the days with touches that count, or are noted, by the revision.

    These are the days of gaps, and the first days without any: a statement for each day
    of a regular visitor would take long.
    """
    gap_days = {
        day
        for day in days.exposures | days.receipts
        if any(_overlaps(day, gap) for gap in revision.spec.gaps)
    }
    first_days = days.find_first_days(lambda day: day not in gap_days)
    return tuple(sorted(filter(revision.regimes.covers, gap_days | first_days)))


def _overlaps(day: date, gap: TimeGap) -> bool:
    starts_at = datetime.combine(day, time(), UTC)
    is_before_end = gap.ends_at is None or starts_at < gap.ends_at
    return is_before_end and gap.starts_at < starts_at + timedelta(days=1)


def _validate_metric(
    metric: MetricDefinition, warehouse: Backend
) -> CheckedMetric | None:
    """Return the checked metric; None for one that the managed store cannot count."""
    try:
        return warehouse.validate_metric(metric.sql, metric.column_mapping)
    except InvalidParametersError:
        return None
