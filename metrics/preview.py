"""A metric looked at: its rows, and what looks wrong with it."""

from collections.abc import Mapping

from django.utils import timezone

from metrics import sources
from metrics.models import Metric
from warehouse import connections
from warehouse.backends.base import PREVIEW_LOOK_BACK
from warehouse.backends.query_results import Preview
from warehouse.sql.shapes import CheckedMetric


def preview_metric(metric: Metric, limit: int) -> tuple[CheckedMetric, Preview]:
    """Read a metric's first rows of the last 30 days, and the facts of all of them.

    It may be saved or not. Raises what a Backend raises.
    """
    with connections.borrow_backend(metric.organization_id) as backend:
        checked = backend.validate_and_run_metric(metric.sql, select_columns(metric))
        since = timezone.now() - PREVIEW_LOOK_BACK
        source = sources.load_checked_default(metric.organization_id, backend)
        return checked, backend.preview_metric(checked, since, limit, source)


def select_columns(metric: Metric) -> Mapping[str, str | None]:
    """Which column is what, without what else the mapping says."""
    return {
        role: name
        for role, name in metric.column_mapping.items()
        if role != "reward_type"
    }
