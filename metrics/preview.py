"""A metric looked at: its rows, and what looks wrong with it."""

from collections.abc import Mapping

from django.utils import timezone

from metrics import sources
from metrics.models import Metric
from warehouse import connections
from warehouse.backends.answers import Preview
from warehouse.backends.base import LOOK_BACK
from warehouse.sql.shapes import CheckedMetric


def of(metric: Metric, limit: int) -> tuple[CheckedMetric, Preview]:
    """Read a metric's first rows of the last 30 days, and the facts of all of them.

    It may be saved or not. Raises what a Backend raises.
    """
    with connections.borrowed(metric.organization_id) as backend:
        checked = backend.check_metric(metric.sql, columns(metric))
        since = timezone.now() - LOOK_BACK
        source = sources.default_of(metric.organization_id, backend)
        return checked, backend.preview(checked, since, limit, source)


def columns(metric: Metric) -> Mapping[str, str | None]:
    """Which column is what, without what else the mapping says."""
    return {
        role: name
        for role, name in metric.column_mapping.items()
        if role != "reward_type"
    }
