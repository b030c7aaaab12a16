"""What erased people leave: counts by cell, added whenever a sealed day is counted again.

A remainder has no id of a person, and no time finer than the day of its cell: sealed days
have no hours. People of the same cell are added up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
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
from optimizations.cube import specification, stale_days_managed
from optimizations.cube.specification import RevisionPlan
from optimizations.models import CubeDay, ErasedRemainder, Optimization
from warehouse import connections
from warehouse.backends.base import Backend
from warehouse.sql.cube.statement import (
    KEY_COLUMNS,
    AmountBucket,
    CheckedMetric,
    Cube,
    CubeSpec,
)

log = structlog.get_logger(__name__)

Row = dict[str, Any]
# Metrics that no optimization counts yet may be attached later: the newest of them.
MAX_UNUSED_METRICS = 20
ROW_KEY = ("kind", *KEY_COLUMNS)


@dataclass(frozen=True, slots=True)
class CountPlan:
    """How to count a person for one optimization and the definition of a metric."""

    spec: CubeSpec
    metric: CheckedMetric


def plan_counts(
    organization_id: str,
    anonymous_id: str,
    first_days: Mapping[UUID, date],
    as_of: datetime,
) -> list[CountPlan]:
    """Plan how to count a person on the sealed days of their first touches.

    Open days are no figure yet: they are counted without the person. A connected
    warehouse is the customer's own, and nobody is erased there.
    """
    if connections.is_connected(organization_id):
        return []
    warehouse = connections.load_backend(organization_id)
    optimizations = _list_sealed_optimizations(first_days, as_of)
    # Metrics of one definition share a remainder.
    plans: dict[tuple[str, RevisionRegimes, UUID], CountPlan] = {}
    newest = Metric.objects.filter(organization_id=organization_id).order_by(
        F("created_at").desc(), "pk"
    )[:MAX_UNUSED_METRICS]
    checked_metrics: dict[str, CheckedMetric | None] = {}
    for optimization in optimizations:
        day = first_days[optimization.pk]
        for metric in _list_metrics(optimization, newest):
            for revision in _list_revisions(optimization, metric, day, as_of):
                name = revision.spec.definition
                if name not in checked_metrics:
                    checked_metrics[name] = _validate_metric(
                        revision.definition, warehouse
                    )
                if (checked := checked_metrics[name]) is not None:
                    plan = CountPlan(replace(revision.spec, days=(day,)), checked)
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
        if cube.cells:
            remainders.append(
                {
                    "optimization_id": UUID(plan.spec.optimization_id),
                    "organization_id": organization_id,
                    "definition": plan.spec.definition,
                    "day": plan.spec.days[0],
                    "rows": _build_rows(cube),
                }
            )
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
        stored.rows = _add_rows([*stored.rows, *remainder["rows"]])
        stored.save(update_fields=["rows"])


def delete_remainders_before(day: date) -> None:
    """Delete what people of days left whose events were dropped: nothing counts them."""
    ErasedRemainder.objects.filter(day__lt=day).delete()


def _list_sealed_optimizations(
    first_days: Mapping[UUID, date], as_of: datetime
) -> list[Optimization]:
    """List the optimizations whose day of first touch is sealed."""
    optimizations = Optimization.objects.filter(
        pk__in=first_days, went_live_at__isnull=False
    )
    return [
        optimization
        for optimization in optimizations.select_related("model", "reward_metric")
        if stale_days_managed.is_sealed(
            first_days[optimization.pk],
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
    optimization: Optimization, metric: Metric, day: date, as_of: datetime
) -> list[RevisionPlan]:
    """Return the revisions of the metric that may count users of the day."""
    try:
        plan = specification.build_count_plan(optimization, metric, as_of)
    except ConflictError:  # nobody knows what it counted: it is never counted again
        return []
    return [revision for revision in plan.revisions if revision.regimes.covers(day)]


def _validate_metric(
    metric: MetricDefinition, warehouse: Backend
) -> CheckedMetric | None:
    """Return the checked metric; None for one that the managed store cannot count."""
    try:
        return warehouse.validate_metric(metric.sql, metric.column_mapping)
    except InvalidParametersError:
        return None


def _build_rows(cube: Cube) -> list[Row]:
    """Return the statement's rows that a cube of one person was decoded from."""
    (day,) = cube.days
    checks = {"crossed": day.crossover_users, "mismatched": day.arm_mismatch_users}
    cells = [{"kind": "cell", **asdict(cell), **checks} for cell in cube.cells]
    lags = [
        {"kind": "lag", "day": day.day, "context": bucket, "users": users}
        for bucket, users in enumerate(day.lags)
        if users
    ]
    amounts = [
        {"kind": "amount", **_build_amount_row(amount)} for amount in cube.amounts
    ]
    return [
        {name: _to_json(value) for name, value in row.items()}
        for row in cells + lags + amounts
    ]


def _build_amount_row(amount: AmountBucket) -> Row:
    row = asdict(amount)
    return {"context" if name == "bucket" else name: row[name] for name in row}


def _add_rows(rows: Iterable[Row]) -> list[Row]:
    """Add rows of the same cell or bucket, in an order that tells nothing."""
    added: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(repr(row.get(name)) for name in ROW_KEY)
        known = added.setdefault(key, dict.fromkeys(row.keys() - set(ROW_KEY), 0))
        added[key] = {
            name: value if name in ROW_KEY else known.get(name, 0) + value
            for name, value in row.items()
        }
    return [added[key] for key in sorted(added)]


def _to_json(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
