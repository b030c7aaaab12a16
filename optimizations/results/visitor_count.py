"""What the reward metric's own query counts for one visitor, asked of the store now."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.utils import timezone

from levered_site.errors import ConflictError
from optimizations.cube import specification
from optimizations.models import Optimization
from optimizations.results import stored
from warehouse import connections
from warehouse.sql.cube.statement import Cell

NOT_MANAGED = (
    "One visitor is counted on the managed store only: ask the connected warehouse with "
    "POST /warehouse/query."
)


@dataclass(frozen=True, slots=True)
class VisitorCount:
    """What results have of a visitor; `cell` is None where they have nothing.

    `reward_type` says which of its figures are meant.
    """

    reward_type: str
    cell: Cell | None


def count_visitor(
    optimization: Optimization, anonymous_id: str, first_touch: datetime
) -> VisitorCount:
    """Count a visitor by the definition of the metric that counts their period.

    Raises ConflictError for a connected warehouse and without a metric, and what the
    store raises where the query fails or takes longer than a request may.
    """
    if connections.is_connected(optimization.organization_id):
        raise ConflictError(NOT_MANAGED)
    metric = stored.require_reward_metric(optimization)
    day = first_touch.astimezone(UTC).date()
    plan = specification.build_count_plan(optimization, metric, timezone.now())
    cells: list[Cell] = []
    with connections.borrow_backend(optimization.organization_id) as warehouse:
        for revision in plan.revisions:
            if not revision.regimes.covers(day):
                continue
            definition = revision.definition
            checked = warehouse.validate_metric(
                definition.sql, definition.column_mapping
            )
            spec = replace(revision.spec, days=(day,), only_user=anonymous_id)
            cells += warehouse.compute_cube(spec, checked, None).cells
    return VisitorCount(metric.reward_type, next(iter(cells), None))
