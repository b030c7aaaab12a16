"""The stored counts behind every result, and asking the warehouse to count again."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from levered_site.errors import ConflictError
from metrics.models import Metric
from optimizations.cube import aggregates, refresh
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.measured_lift import Comparison

Json = dict[str, Any]


def refresh_counts(
    optimization: Optimization, *, guardrails: bool = False, full: bool = False
) -> None:
    """Have the warehouse count the open days anew, or with `full` all of them.

    With `guardrails` for these metrics, too.

    Nothing is asked about a draft. A shipped optimization's results freeze as of the
    moment it was shipped: they are counted until then, once. Raises what
    `cube.refresh` raises.
    """
    if optimization.went_live_at is None:
        return
    now = timezone.now()
    metrics = [require_reward_metric(optimization)]
    if guardrails:
        metrics += optimization.guardrail_metrics.order_by("name", "pk")
    shipped = optimization.status == Optimization.Status.SHIPPED
    frozen_at = optimization.shipped_at if shipped else None
    for metric in metrics:
        if frozen_at is None or not _is_counted_until(optimization, metric, frozen_at):
            as_of = frozen_at or now
            refresh.count_open_days(optimization, metric, as_of, full=full)


def _is_counted_until(
    optimization: Optimization, metric: Metric, moment: datetime
) -> bool:
    """Whether what is stored was counted at that moment, or later."""
    counted = refresh.load_cube(optimization, metric).as_of
    return counted is not None and counted >= moment


def load_reward_cube(optimization: Optimization) -> ObservationCube:
    """Return the stored counts of the reward metric; none of a draft."""
    if optimization.went_live_at is None:
        return refresh.EMPTY_CUBE
    return refresh.load_cube(optimization, require_reward_metric(optimization))


def require_reward_metric(optimization: Optimization) -> Metric:
    """Return the reward metric. Raises ConflictError for a draft: nothing is recorded."""
    metric = optimization.reward_metric
    if metric is None or optimization.went_live_at is None:
        raise ConflictError("This optimization has not been live: it has no results.")
    return metric


def build_report_counts(optimization: Optimization, observed: ObservationCube) -> Json:
    """Return what a report keeps of the counts it was learned from."""
    return aggregates.count_by_level(observed.cells, optimization.model.design)


def build_summary(
    optimization: Optimization, observed: ObservationCube, compared: Comparison
) -> Json:
    """Return what a list row shows: measured lift in percent, as of this training.

    `confidence` is 1 - p_value_anytime (0..1), which holds at all looks together; both
    are null while they are withheld. `exposures` are raw.
    """
    lift = compared.lift
    p_value = lift.p_value_anytime
    return {
        "variants_count": optimization.model.design.variants,
        "lift": lift.lift_percent,
        "confidence": None if p_value is None else 1 - p_value,
        "exposures": sum(cell.exposures for cell in observed.cells),
    }
