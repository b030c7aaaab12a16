"""The spec of a cube: what to count for an optimization and a metric."""

import hashlib
from datetime import UTC, datetime, time, timedelta

import orjson
from django.conf import settings
from django.db import transaction

from levered_site.errors import ConflictError
from metrics import sources
from metrics.models import Metric
from optimizations import factors
from optimizations.configuration import recording_gaps, regimes
from optimizations.models import Optimization
from warehouse import connections
from warehouse.backends.base import Backend
from warehouse.sql.cube.statement import (
    CheckedMetric,
    CheckedSource,
    ContextFactor,
    CubeSpec,
    OutcomeRule,
)

NO_ASSIGNMENT_SOURCE = (
    "A connected warehouse needs an assignment source: name one while the optimization is "
    "a draft, or make one the organization's default."
)


def build_cube_spec(
    optimization: Optimization, metric: Metric, as_of: datetime
) -> CubeSpec:
    """Return the spec of the optimization's cube, without its days.

    Opens a new regime where the metric or the warehouse has changed since the last one,
    under a lock on the optimization's row.

    Raises ConflictError for a draft.
    """
    if metric.pk == optimization.reward_metric_id:
        _open_regime_if_changed(optimization)
    spans = regimes.list_spans(optimization)
    if not spans:
        raise ConflictError(
            "This optimization has not been live: it has no observations yet."
        )
    variants = optimization.variants.order_by("number")
    attribution = optimization.model.training_data_config["attribution"]
    return CubeSpec(
        optimization_id=str(optimization.pk),
        organization_id=optimization.organization_id,
        variants=tuple(variants.values_list("number", "variant_key")),
        contexts=_build_context_factors(optimization),
        reward_type=metric.reward_type,
        outcomes=_build_outcome_rules(metric),
        attribution=attribution["type"],
        window_hours=attribution["conversion_window_hours"],
        horizon_hours=attribution["horizon_hours"],
        regimes=spans,
        excluded_users=tuple(optimization.excluded_users),
        days=(),
        as_of=as_of,
        history_from=_compute_history_start(as_of),
        definition=fingerprint_metric(metric),
        gaps=recording_gaps.list_gaps(optimization),
    )


def fingerprint_metric(metric: Metric) -> str:
    """Return a hash of what a metric counts: metrics of the same definition share it."""
    definition = [metric.sql, metric.column_mapping, metric.outcomes]
    text = orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def _open_regime_if_changed(optimization: Optimization) -> None:
    with transaction.atomic():
        rows = Optimization.objects.select_for_update(of=("self",))
        rows = rows.select_related("model", "reward_metric")
        regimes.open_regime_if_changed(rows.get(pk=optimization.pk))


def _build_context_factors(optimization: Optimization) -> tuple[ContextFactor, ...]:
    config = optimization.model.training_data_config
    return tuple(
        ContextFactor(factor.name, factor.levels)
        for factor in factors.parse_context_factors(config)
    )


def _compute_history_start(as_of: datetime) -> datetime:
    """Return the start of the retention period; no earlier event is a first touch."""
    oldest = as_of - timedelta(days=settings.RETENTION_DAYS)
    return datetime.combine(oldest.astimezone(UTC).date(), time(), UTC)


def validate_queries(
    optimization: Optimization, metric: Metric, warehouse: Backend
) -> tuple[CheckedMetric, CheckedSource | None]:
    """Return the checked queries of metric and source; the managed store has no source.

    Queries are checked when they are saved, but perhaps for another warehouse. Raises
    InvalidParametersError where one is invalid for this warehouse, ConflictError where a
    connected warehouse has no source.
    """
    checked = warehouse.validate_metric(metric.sql, metric.column_mapping)
    if not connections.is_connected(optimization.organization_id):
        return checked, None
    source = optimization.assignment_source
    source = source or sources.find_default_source(optimization.organization_id)
    if source is None:
        raise ConflictError(NO_ASSIGNMENT_SOURCE)
    return checked, warehouse.validate_source(source.sql, source.column_mapping)


def _build_outcome_rules(metric: Metric) -> tuple[OutcomeRule, ...]:
    return tuple(
        OutcomeRule(
            key=outcome["key"],
            weight=float(outcome["weight"]),
            by=outcome["match"]["by"],
            value=outcome["match"]["value"],
        )
        for outcome in metric.outcomes or ()
    )
