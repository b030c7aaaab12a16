"""Tables, columns, rows of a query and previews, as the API shows them."""

from dataclasses import dataclass
from typing import Annotated

from warehouse import flag_warnings, preview_warnings
from warehouse.backends.query_results import (
    Column,
    Preview,
    QueryResult,
    SourcePreview,
    Table,
)
from warehouse.backends.query_validation import map_roles_to_columns
from warehouse.sql.shapes import CheckedMetric, CheckedSource


@dataclass(frozen=True, slots=True)
class TableList:
    """Tables that a query may read; `truncated` says that there are more: search."""

    tables: list[Table]
    truncated: bool


@dataclass(frozen=True, slots=True)
class ColumnList:
    """The columns of a table."""

    columns: list[Column]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRows:
    """Rows of a query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    truncated: bool
    elapsed_ms: int
    bytes_scanned: int | None = None
    row_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPreview(QueryRows):
    """Rows of a metric, and what looks wrong with it."""

    match_rate: Annotated[
        float | None, "Share of the metric's ids that have an exposure."
    ]
    warnings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentSourcePreview(QueryRows):
    """Rows of an assignment source, and what looks wrong with it."""

    warnings: list[str]


def build_query_rows(result: QueryResult) -> QueryRows:
    """Return the rows of a query, counted."""
    return QueryRows(
        columns=result.columns,
        rows=result.rows,
        truncated=result.truncated,
        elapsed_ms=result.elapsed_ms,
        bytes_scanned=result.bytes_scanned,
        row_count=len(result.rows),
    )


def build_metric_preview(
    metric: CheckedMetric,
    preview: Preview,
    *,
    counts_rows: bool = False,
    has_amounts: bool = False,
) -> MetricPreview:
    """Return rows of a metric with its warnings.

    `counts_rows` is whether each row is a conversion, whatever it holds; `has_amounts`
    whether its value is an amount.
    """
    result, facts = preview.answer, preview.facts
    warnings = preview_warnings.list_metric_warnings(
        metric, facts, has_amounts=has_amounts, counts_rows=counts_rows
    )
    if counts_rows:
        roles = map_roles_to_columns(metric)
        computed = [name for name, source in metric.query.traits.aliases if not source]
        flags = flag_warnings.list_flag_warnings(result, roles, computed)
        warnings = flags + warnings
    return MetricPreview(
        columns=result.columns,
        rows=result.rows,
        truncated=result.truncated,
        elapsed_ms=result.elapsed_ms,
        bytes_scanned=result.bytes_scanned,
        row_count=len(result.rows),
        match_rate=preview_warnings.compute_match_rate(facts),
        warnings=warnings,
    )


def build_source_preview(
    source: CheckedSource, preview: SourcePreview
) -> AssignmentSourcePreview:
    """Return rows of an assignment source with its warnings."""
    result = preview.answer
    return AssignmentSourcePreview(
        columns=result.columns,
        rows=result.rows,
        truncated=result.truncated,
        elapsed_ms=result.elapsed_ms,
        bytes_scanned=result.bytes_scanned,
        row_count=len(result.rows),
        warnings=preview_warnings.list_source_warnings(source, preview.facts),
    )
