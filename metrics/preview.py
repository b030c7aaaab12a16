"""Preview of a metric: its first rows, and warnings about all of them."""

from collections.abc import Mapping
from dataclasses import replace

from django.utils import timezone

from levered_site.errors import InvalidParametersError
from metrics import row_limit, sources
from metrics.models import Metric
from warehouse import connections, previews
from warehouse.backends import query_validation
from warehouse.backends.base import PREVIEW_LOOK_BACK, Backend
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.query_results import MetricFacts
from warehouse.previews import MetricPreview
from warehouse.sql.preview import counted_rows
from warehouse.sql.shapes import CheckedMetric

SAMPLE_ROWS = 100  # that a metric is looked at with when it is saved


def preview_metric(metric: Metric, limit: int) -> MetricPreview:
    """Return a metric's first rows of the last 30 days, and warnings about all of them.

    The metric may be saved or not. Raises InvalidParametersError if the SQL limits its
    rows, and what a Backend raises.
    """
    return preview_with_facts(metric, limit)[1]


def preview_with_facts(metric: Metric, limit: int) -> tuple[MetricFacts, MetricPreview]:
    """Return counts over all rows of the last 30 days, and what `preview_metric` returns."""
    with connections.borrow_backend(metric.organization_id) as backend:
        checked = backend.validate_and_run_metric(metric.sql, select_columns(metric))
        row_limit.refuse_row_limit(checked.query)
        return _preview_checked(metric, checked, backend, limit)


def check_metric(metric: Metric) -> list[str]:
    """Run the SQL of a metric that is about to be saved; return the preview's warnings.

    Raises InvalidParametersError if the SQL fails, limits its rows, lacks a mapped column,
    returns values none of which is a number, or has a recursion that does not end. Other
    rows that cannot be checked in time are a warning.
    """
    with connections.borrow_backend(metric.organization_id) as backend:
        with query_validation.translate_query_failures():
            checked = backend.validate_and_run_metric(
                metric.sql, select_columns(metric)
            )
        row_limit.refuse_row_limit(checked.query)
        backend.require_recursions_end(checked.query)
        try:
            facts, preview = _preview_checked(metric, checked, backend, SAMPLE_ROWS)
        except QueryFailedError as error:
            return [sources.NOT_CHECKED.format(reason=error.message)]
    _refuse_worthless_values(metric, facts)
    return preview.warnings


def _preview_checked(
    metric: Metric, checked: CheckedMetric, backend: Backend, limit: int
) -> tuple[MetricFacts, MetricPreview]:
    since = timezone.now() - PREVIEW_LOOK_BACK
    source = sources.load_checked_default(metric.organization_id, backend)
    preview = backend.preview_metric(checked, since, limit, source)
    shown = previews.build_metric_preview(
        checked,
        preview,
        counts_rows=metric.reward_type == "bool",
        has_amounts=metric.reward_type == "numeric",
    )
    warnings = counted_rows.list_count_warnings(checked.query, metric.look_back_days)
    return preview.facts, replace(shown, warnings=[*shown.warnings, *warnings])


def _refuse_worthless_values(metric: Metric, facts: MetricFacts) -> None:
    """Raise InvalidParametersError if every user would be worth 0."""
    if metric.reward_type != "numeric" or not facts.rows or facts.numeric:
        return
    column = metric.column_mapping["value"]
    raise InvalidParametersError.for_field(
        "column_mapping.value",
        f"No value of column {column!r} is a number in {facts.rows:,} rows, so every "
        "user would be worth 0; map a number, or cast it in the SQL.",
    )


def select_columns(metric: Metric) -> Mapping[str, str | None]:
    """Return the column of each role, without the reward type."""
    return {
        role: name
        for role, name in metric.column_mapping.items()
        if role != "reward_type"
    }
