"""Open regimes: stretches of time with one configuration, new whenever it changes."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from metrics import sources
from metrics.models import Metric
from models_app import versions
from optimizations.models import Optimization, Regime
from optimizations.serving import snapshot
from warehouse.models import Connection
from warehouse.sql.cube.statement import RegimeSpan

# Of optimizations whose users are counted on.
COUNTING_STATUSES = (Optimization.Status.LIVE, Optimization.Status.PAUSED)


def open_regime(
    optimization: Optimization, reason: str, now: datetime | None = None
) -> Regime:
    """Open a regime with the current configuration.

    Call inside the transaction that changed the configuration, holding the
    optimization's row lock. A shipped optimization has no holdout, and serves the
    variants that lead.
    """
    last = optimization.regimes.order_by("-number").first()
    warehouse = get_warehouse_name(optimization.organization_id)
    attribution = optimization.model.training_data_config["attribution"]
    is_shipped = optimization.status == Optimization.Status.SHIPPED
    metric = optimization.reward_metric
    return optimization.regimes.create(
        number=1 if last is None else last.number + 1,
        starts_at=now or timezone.now(),
        holdout_percentage=0.0 if is_shipped else optimization.holdout_percentage,
        enabled=(
            _list_shipped(optimization) if is_shipped else optimization.servable()
        ),
        window_hours=attribution["conversion_window_hours"],
        horizon_hours=attribution["horizon_hours"],
        metric=metric,
        metric_revision=1 if metric is None else metric.revision,
        guardrail_revisions=_list_guardrail_revisions(optimization),
        warehouse=warehouse,
        source=_fingerprint_source(optimization, warehouse),
        reason=reason,
    )


def _list_shipped(optimization: Optimization) -> list[int]:
    version = versions.get_serving_version(optimization.model)
    return versions.list_leading_variants(version)


def open_regime_if_changed(optimization: Optimization) -> bool:
    """Open a regime if a metric, the warehouse or the assignment source changed.

    Return whether one was opened. The apps that own these do not know optimizations, so
    a refresh of the cube calls this before it counts. Nothing opens a regime once an
    optimization has shipped or ended: its results no longer change. A source has
    changed if its SQL or its mapping has. A regime without a source takes the current
    one. Call inside a transaction holding the optimization's row lock.
    """
    last = optimization.regimes.order_by("-number").first()
    metric = optimization.reward_metric
    if last is None or metric is None or optimization.status not in COUNTING_STATUSES:
        return False
    warehouse = get_warehouse_name(optimization.organization_id)
    source = _fingerprint_source(optimization, warehouse)
    if last.metric_revision != metric.revision:
        known = optimization.regimes.filter(
            metric=metric, metric_revision=metric.revision
        )
        reason = "metric changed back" if known.exists() else "metric changed"
    elif _has_changed_guardrail(optimization, last):
        reason = "guardrail metric changed"
    elif last.warehouse != warehouse:
        reason = "warehouse changed"
    elif last.source and last.source != source:
        reason = "assignment source changed"
    else:
        _fill_source(last, source)
        return False
    open_regime(optimization, reason)
    return True


def _has_changed_guardrail(optimization: Optimization, last: Regime) -> bool:
    revisions = _list_guardrail_revisions(optimization)
    return any(
        last.guardrail_revisions.get(metric_id, revision) != revision
        for metric_id, revision in revisions.items()
    )


def _list_guardrail_revisions(optimization: Optimization) -> dict[str, int]:
    metrics = optimization.guardrail_metrics.values_list("pk", "revision")
    return {str(metric_id): revision for metric_id, revision in metrics}


def _fill_source(regime: Regime, source: str) -> None:
    """Store the source of a regime that has none.

    Such a regime was opened before there was a source, or by a version that did not
    store sources. This opens no regime.
    """
    if source and not regime.source:
        regime.source = source
        regime.save(update_fields=["source"])


def find_warehouse_start(optimization: Optimization) -> datetime | None:
    """Return when the present warehouse and assignment source began; None for the first.

    A regime without a source had the one that follows: see `open_regime_if_changed`.
    """
    starts_at: datetime | None = None
    present: Regime | None = None
    source = ""
    for regime in optimization.regimes.order_by("-number"):
        source = source or regime.source
        present = present or regime
        if regime.warehouse != present.warehouse or (
            regime.source and regime.source != source
        ):
            return starts_at
        starts_at = regime.starts_at
    return None


def list_spans(optimization: Optimization) -> tuple[RegimeSpan, ...]:
    """Return the optimization's regimes, ascending, as the cube's statement needs them."""
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
    """Open regimes for an organization whose warehouse or assignment source changed.

    Each live or paused optimization that is affected gets one. Call inside the
    transaction that made the change. Called through settings.WAREHOUSE_LISTENERS because
    warehouse must not import optimizations.
    """
    for optimization in _lock_counting(organization_id):
        open_regime_if_changed(optimization)


def open_regimes_of_metric(metric: Metric, replaced: Metric) -> None:
    """Open regimes of the optimizations that a changed metric rewards or guards.

    Users of the regimes before stay counted by the replaced revision. Call inside the
    transaction that made the change. Called through settings.METRIC_LISTENERS because
    metrics must not import optimizations.
    """
    uses = Q(reward_metric=metric) | Q(guardrail_metrics=metric)
    used_by = set(Optimization.objects.filter(uses).values_list("pk", flat=True))
    for optimization in _lock_counting(metric.organization_id).filter(pk__in=used_by):
        last = optimization.regimes.order_by("-number").first()
        if last is not None and metric.pk != optimization.reward_metric_id:
            # A guardrail that was attached later has no revision in earlier regimes.
            revisions = {str(metric.pk): replaced.revision} | last.guardrail_revisions
            last.guardrail_revisions = revisions
            last.save(update_fields=["guardrail_revisions"])
        open_regime_if_changed(optimization)


def _lock_counting(organization_id: str) -> QuerySet[Optimization]:
    """Return the organization's live and paused optimizations, their rows locked."""
    return (
        Optimization.objects.for_organization(organization_id)
        .filter(status__in=COUNTING_STATUSES, went_live_at__isnull=False)
        .select_for_update(of=("self",))
        .select_related("model", "reward_metric")
        .order_by("pk")
    )


def _fingerprint_source(optimization: Optimization, warehouse: str) -> str:
    """Return the assignment source's fingerprint; "" on the managed store, or without."""
    if warehouse == Connection.Provider.MANAGED:
        return ""
    source = optimization.assignment_source
    source = source or sources.find_default_source(optimization.organization_id)
    return "" if source is None else sources.fingerprint_source(source)


def get_warehouse_name(organization_id: str) -> str:
    """Return the name of the organization's warehouse; `managed` without a connection."""
    warehouse = Connection.objects.filter(organization_id=organization_id).first()
    if warehouse is None:
        return Connection.Provider.MANAGED
    return warehouse.place or warehouse.provider
