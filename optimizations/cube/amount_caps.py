"""The cap of amounts: fixed once for an optimization and a metric's revision, then stored."""

from collections.abc import Iterable
from datetime import datetime

from metrics.models import Metric
from optimizations.configuration import revision_regimes
from optimizations.cube import amounts
from optimizations.cube.cell_columns import DayColumns
from optimizations.models import AmountCap, Optimization


def load_cap(optimization: Optimization, metric: Metric) -> float | None:
    """Return the cap of the metric's present revision; None before it is fixed."""
    caps = AmountCap.objects.filter(
        optimization=optimization,
        metric=metric,
        revision=_find_revision(optimization, metric),
    )
    cap: float | None = caps.values_list("cap", flat=True).first()
    return cap


def fix_cap(
    optimization: Optimization,
    metric: Metric,
    days: Iterable[DayColumns],
    fixed_at: datetime,
) -> None:
    """Store the cap that the first of the stored `days` tell, unless there is one."""
    if metric.reward_type != "numeric" or load_cap(optimization, metric) is not None:
        return
    cap = amounts.find_cap(days)
    if cap is not None:
        AmountCap.objects.get_or_create(
            optimization=optimization,
            metric=metric,
            revision=_find_revision(optimization, metric),
            defaults={"cap": cap, "fixed_at": fixed_at},
        )


def _find_revision(optimization: Optimization, metric: Metric) -> int:
    """Return the revision that results are about."""
    groups = revision_regimes.list_revision_regimes(optimization, metric)
    return groups[-1].revision if groups else metric.revision
