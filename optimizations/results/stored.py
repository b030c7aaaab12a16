"""The stored counts behind every result, and the refresh that has them counted again."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from levered_site.errors import ConflictError, LeveredError
from metrics.models import Metric
from optimizations.cube import aggregates, refresh
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.user_counts import UserCounter

log = structlog.get_logger(__name__)


def refresh_counts(optimization: Optimization, *, full: bool = False) -> None:
    """Have the warehouse count open and reopened days, or with `full` all days.

    Reward and guardrails are counted as of one moment, so that figures of several answers
    belong together. One that cannot be counted is recorded and keeps its counts; it stops
    neither the others nor the caller. A draft has nothing to count. The results of a
    shipped optimization are frozen: they are counted once, as of the moment of shipping.
    """
    if optimization.went_live_at is None:
        return
    as_of = timezone.now()
    reward = require_reward_metric(optimization)
    _try_refresh_metric(optimization, reward, as_of, full=full)
    refresh_guardrails(optimization, as_of, full=full)


def refresh_guardrails(
    optimization: Optimization, as_of: datetime, *, full: bool = False
) -> None:
    """Have the warehouse count every guardrail metric that it can count.

    The others are recorded as failed and keep their counts.
    """
    for metric in optimization.guardrail_metrics.order_by("name", "pk"):
        _try_refresh_metric(optimization, metric, as_of, full=full)


def _try_refresh_metric(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool
) -> None:
    try:
        _refresh_metric(optimization, metric, as_of, full=full)
    except LeveredError as error:  # recorded: results, health and metrics tell
        log.warning("metric_not_counted", metric_id=str(metric.pk), error=error.message)


def _refresh_metric(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool
) -> None:
    is_shipped = optimization.status == Optimization.Status.SHIPPED
    frozen_at = optimization.shipped_at if is_shipped else None
    if frozen_at is None:
        refresh.count_open_days(optimization, metric, as_of, full=full)
    elif not _is_counted_until(optimization, metric, frozen_at):
        refresh.count_open_days(optimization, metric, frozen_at, full=full)


def _is_counted_until(
    optimization: Optimization, metric: Metric, moment: datetime
) -> bool:
    """Return whether the stored counts are of that moment or a later one."""
    as_of = refresh.find_last_refresh(optimization, metric)
    return as_of is not None and as_of >= moment


class StoredCubes:
    """The stored counts of an optimization's metrics: each is loaded once.

    For one request only: a later refresh does not show. They have everything that was
    stored until `current_at`, and maybe more.
    """

    def __init__(
        self,
        optimization: Optimization,
        loaded_cubes: Mapping[UUID, ObservationCube] = MappingProxyType({}),
        loaded_at: datetime | None = None,
    ) -> None:
        """Read the counts of `optimization`, but those in `loaded_cubes` by metric id.

        `loaded_at` is a time before those were read.
        """
        self.current_at = loaded_at or timezone.now()
        self._optimization = optimization
        self._cubes = dict(loaded_cubes)

    def load_cube(self, metric: Metric) -> ObservationCube:
        """Return the stored counts of a metric."""
        if metric.pk not in self._cubes:
            self._cubes[metric.pk] = refresh.load_cube(self._optimization, metric)
        return self._cubes[metric.pk]

    def load_reward_cube(self) -> ObservationCube:
        """Return the stored counts of the reward metric; an empty cube for a draft."""
        if self._optimization.went_live_at is None:
            return refresh.EMPTY_CUBE
        return self.load_cube(require_reward_metric(self._optimization))


def load_reward_cube(optimization: Optimization) -> ObservationCube:
    """Return the stored counts of the reward metric; an empty cube for a draft."""
    return StoredCubes(optimization).load_reward_cube()


def require_reward_metric(optimization: Optimization) -> Metric:
    """Return the reward metric. Raise ConflictError if the optimization was never live."""
    metric = optimization.reward_metric
    if metric is None or optimization.went_live_at is None:
        raise ConflictError("This optimization has not been live: it has no results.")
    return metric


def build_report_counts(
    optimization: Optimization, cube: ObservationCube
) -> dict[str, Any]:
    """Return the counts that a report keeps of what the model learned from.

    Those of `aggregates.count_by_level`, where conversions are users whose reward is
    worth more than 0, with `mature_users` and `mature_conversions` beside.
    """
    design = optimization.model.design
    counter = UserCounter(optimization.reward_metric, cube)
    cells = counter.positive_cells
    counts = aggregates.count_by_level(cells, design)
    mature = aggregates.count_by_level(cells.select(cells.mature), design)
    for number, row in counts["variants"].items():
        _add_mature_counts(row, mature["variants"].get(number))
    for factor, levels in counts["contexts"].items():
        for level, rows in levels.items():
            of_level = mature["contexts"].get(factor, {}).get(level, {})
            for number, row in rows.items():
                _add_mature_counts(row, of_level.get(number))
    return counts


def _add_mature_counts(row: dict[str, int], mature: Mapping[str, int] | None) -> None:
    for name in ("users", "conversions"):
        row[f"mature_{name}"] = mature[name] if mature else 0
