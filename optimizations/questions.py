"""What the cube asks about an optimization and a metric, in the warehouse's words."""

from datetime import datetime

from django.db import transaction

from levered_site.errors import ConflictError, UnavailableError
from metrics.models import Metric
from optimizations import factors, regimes
from optimizations.models import Optimization
from warehouse.models import Connection
from warehouse.sql import customer
from warehouse.sql.cube import CheckedMetric, ContextFactor, CubeSpec, OutcomeRule


def of(optimization: Optimization, metric: Metric, as_of: datetime) -> CubeSpec:
    """Write the question, without its days.

    A change of metric or warehouse since the last regime opens one here, under the
    optimization's row.

    Raises ConflictError for a draft, UnavailableError for a connected warehouse.
    """
    if regimes.provider(optimization.organization_id) != Connection.Provider.MANAGED:
        raise UnavailableError(
            "Results from connected warehouses are not available yet."
        )
    if metric.pk == optimization.reward_metric_id:
        with transaction.atomic():
            regimes.follow(
                Optimization.objects.select_for_update(of=("self",))
                .select_related("model", "reward_metric")
                .get(pk=optimization.pk)
            )
    spans = regimes.spans(optimization)
    if not spans:
        raise ConflictError(
            "This optimization has not been live: nothing is observed yet."
        )
    config = optimization.model.training_data_config
    attribution = config["attribution"]
    variants = optimization.variants.order_by("number")
    return CubeSpec(
        optimization_id=str(optimization.pk),
        organization_id=optimization.organization_id,
        variants=tuple(variants.values_list("number", "variant_key")),
        contexts=tuple(
            ContextFactor(factor.name, factor.levels)
            for factor in factors.context_factors(config)
        ),
        reward_type=metric.reward_type,
        outcomes=_outcomes(metric),
        attribution=attribution["type"],
        window_hours=attribution["conversion_window_hours"],
        horizon_hours=attribution["horizon_hours"],
        regimes=spans,
        excluded_users=tuple(optimization.excluded_users),
        days=(),
        as_of=as_of,
    )


def checked(metric: Metric) -> CheckedMetric:
    """Return the metric's query as proved; what was saved was proved then, too."""
    return customer.metric(metric.sql, metric.column_mapping)


def _outcomes(metric: Metric) -> tuple[OutcomeRule, ...]:
    return tuple(
        OutcomeRule(
            key=outcome["key"],
            weight=float(outcome["weight"]),
            by=outcome["match"]["by"],
            value=outcome["match"]["value"],
        )
        for outcome in metric.outcomes or ()
    )
