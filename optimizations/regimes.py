"""Regimes: stretches of time with one configuration, opened whenever it changes."""

from datetime import datetime

from django.utils import timezone

from optimizations import published
from optimizations.models import Optimization, Regime
from warehouse.models import Connection
from warehouse.sql.cube import RegimeSpan


def begin(
    optimization: Optimization, reason: str, now: datetime | None = None
) -> Regime:
    """Open a regime with the configuration as it is now.

    Call inside the transaction that changed it, holding the optimization's row. A
    shipped optimization holds nobody out.
    """
    last = optimization.regimes.order_by("-number").first()
    attribution = optimization.model.training_data_config["attribution"]
    shipped = optimization.status == Optimization.Status.SHIPPED
    metric = optimization.reward_metric
    return optimization.regimes.create(
        number=1 if last is None else last.number + 1,
        starts_at=now or timezone.now(),
        holdout_percentage=0.0 if shipped else optimization.holdout_percentage,
        enabled=optimization.servable(),
        window_hours=attribution["conversion_window_hours"],
        horizon_hours=attribution["horizon_hours"],
        metric=metric,
        metric_revision=1 if metric is None else metric.revision,
        warehouse=warehouse(optimization.organization_id),
        reason=reason,
    )


def follow(optimization: Optimization) -> bool:
    """Open a regime where metric or warehouse changed since the last one.

    They change in rooms below, which know no optimization: whoever counts calls this
    first. Call inside a transaction holding the optimization's row.
    """
    last = optimization.regimes.order_by("-number").first()
    metric = optimization.reward_metric
    if last is None or metric is None:
        return False
    place = warehouse(optimization.organization_id)
    if (last.metric_revision, last.warehouse) == (metric.revision, place):
        return False
    changed = "metric" if last.metric_revision != metric.revision else "warehouse"
    begin(optimization, f"{changed} changed")
    return True


def spans(optimization: Optimization) -> tuple[RegimeSpan, ...]:
    """Write the regimes, ascending, as the cube wants them."""
    return tuple(
        RegimeSpan(
            number=regime.number,
            starts_at=regime.starts_at,
            holdout_threshold=published.holdout_threshold(regime.holdout_percentage),
        )
        for regime in optimization.regimes.order_by("number")
    )


def follow_organization(organization_id: str) -> None:
    """Open a regime for whatever was live of an organization whose warehouse changed.

    Call inside the transaction that changed it.
    """
    started = Optimization.objects.of(organization_id).filter(
        status__in=(Optimization.Status.LIVE, Optimization.Status.PAUSED),
        went_live_at__isnull=False,
    )
    for optimization in (
        started.select_for_update(of=("self",))
        .select_related("model", "reward_metric")
        .order_by("pk")
    ):
        follow(optimization)


def warehouse(organization_id: str) -> str:
    """Name the organization's warehouse; without a connection it is the managed one."""
    known = Connection.objects.filter(organization_id=organization_id).first()
    if known is None:
        return Connection.Provider.MANAGED
    return known.place or known.provider
