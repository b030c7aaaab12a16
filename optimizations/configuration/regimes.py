"""Regimes: stretches of time with one configuration, opened whenever it changes."""

from datetime import datetime

from django.utils import timezone

from metrics import sources
from optimizations.models import Optimization, Regime
from optimizations.serving import snapshot
from warehouse.models import Connection
from warehouse.sql.cube.statement import RegimeSpan


def open_regime(
    optimization: Optimization, reason: str, now: datetime | None = None
) -> Regime:
    """Open a regime with the configuration as it is now.

    Call inside the transaction that changed it, holding the optimization's row. A
    shipped optimization holds nobody out.
    """
    last = optimization.regimes.order_by("-number").first()
    place = get_warehouse_name(optimization.organization_id)
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
        warehouse=place,
        source=_fingerprint_source(optimization, place),
        reason=reason,
    )


def open_regime_if_changed(optimization: Optimization) -> bool:
    """Open a regime where metric, warehouse or assignment source changed since the last.

    They change in rooms below, which know no optimization: whoever counts calls this
    first. Of a source it is the SQL and the mapping that matter; a regime that knows of
    none takes the one that is read now. Call inside a transaction holding the
    optimization's row.
    """
    last = optimization.regimes.order_by("-number").first()
    metric = optimization.reward_metric
    if last is None or metric is None:
        return False
    place = get_warehouse_name(optimization.organization_id)
    source = _fingerprint_source(optimization, place)
    if last.metric_revision != metric.revision:
        changed = "metric"
    elif last.warehouse != place:
        changed = "warehouse"
    elif not last.source:
        return _fill_source(last, source)
    elif last.source != source:
        changed = "assignment source"
    else:
        return False
    open_regime(optimization, f"{changed} changed")
    return True


def _fill_source(regime: Regime, source: str) -> bool:
    """Note the source of a regime that knows of none: it opened before there was one, or
    before regimes kept it. Nothing begins by it.
    """
    if source:
        regime.source = source
        regime.save(update_fields=["source"])
    return False


def list_spans(optimization: Optimization) -> tuple[RegimeSpan, ...]:
    """Write the regimes, ascending, as the cube wants them."""
    return tuple(
        RegimeSpan(
            number=regime.number,
            starts_at=regime.starts_at,
            holdout_threshold=snapshot.compute_holdout_threshold(
                regime.holdout_percentage
            ),
        )
        for regime in optimization.regimes.order_by("number")
    )


def open_regimes_if_changed(organization_id: str) -> None:
    """Open a regime for what was live of an organization that reads elsewhere now.

    Its warehouse or an assignment source was changed.

    Call inside the transaction that changed it.
    """
    started = Optimization.objects.for_organization(organization_id).filter(
        status__in=(Optimization.Status.LIVE, Optimization.Status.PAUSED),
        went_live_at__isnull=False,
    )
    for optimization in (
        started.select_for_update(of=("self",))
        .select_related("model", "reward_metric")
        .order_by("pk")
    ):
        open_regime_if_changed(optimization)


def _fingerprint_source(optimization: Optimization, place: str) -> str:
    """Name what the optimization's assignment source reads; the managed store has none."""
    if place == Connection.Provider.MANAGED:
        return ""
    source = optimization.assignment_source
    source = source or sources.find_default_source(optimization.organization_id)
    return "" if source is None else sources.fingerprint_source(source)


def get_warehouse_name(organization_id: str) -> str:
    """Name the organization's warehouse; without a connection it is the managed one."""
    known = Connection.objects.filter(organization_id=organization_id).first()
    if known is None:
        return Connection.Provider.MANAGED
    return known.place or known.provider
