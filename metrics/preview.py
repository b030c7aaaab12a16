"""Preview of a metric: its first rows, and warnings about all of them."""

from collections.abc import Mapping

from django.utils import timezone

from metrics import sources
from metrics.models import Metric
from warehouse import connections, previews
from warehouse.backends.base import PREVIEW_LOOK_BACK
from warehouse.previews import MetricPreview


def preview_metric(metric: Metric, limit: int) -> MetricPreview:
    """Return a metric's first rows of the last 30 days, and warnings about all of them.

    The metric may be saved or not. Raise what a Backend raises.
    """
    with connections.borrow_backend(metric.organization_id) as backend:
        checked = backend.validate_and_run_metric(metric.sql, select_columns(metric))
        since = timezone.now() - PREVIEW_LOOK_BACK
        source = sources.load_checked_default(metric.organization_id, backend)
        preview = backend.preview_metric(checked, since, limit, source)
        return previews.build_metric_preview(checked, preview)


def select_columns(metric: Metric) -> Mapping[str, str | None]:
    """Return the column of each role, without the reward type."""
    return {
        role: name
        for role, name in metric.column_mapping.items()
        if role != "reward_type"
    }
