"""Match events to optimizations: whose they are, and whether they may be recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from levered_site.database import fetch_rows, read_bound
from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    ForbiddenItemError,
    InvalidItemError,
    forget_trace,
)
from optimizations.ingestion import design_lookup
from optimizations.ingestion.design_lookup import Design
from optimizations.ingestion.event_columns import (
    ExposureColumns,
    Problems,
    RewardColumns,
)
from optimizations.models import Optimization

Status = Optimization.Status
Gap = tuple[datetime, datetime | None, str]

# One row without an optimization where the organization has none of them.
SELECT_TARGETS: Final = """
SELECT c.provider, o.id::text AS id, m.training_data_config::text AS config, o.status,
  o.ended_at, o.deleted_at, p.gap_starts, p.gap_ends, p.gap_statuses
FROM organizations_organization AS g
LEFT JOIN warehouse_connection AS c ON c.organization_id = g.id
LEFT JOIN optimizations_optimization AS o
  ON o.organization_id = g.id AND o.id = ANY(%(optimizations)s::uuid[])
LEFT JOIN models_app_banditmodel AS m ON m.id = o.model_id
LEFT JOIN LATERAL (
  SELECT array_agg(starts_at ORDER BY starts_at) AS gap_starts,
         array_agg(ends_at ORDER BY starts_at) AS gap_ends,
         array_agg(status ORDER BY starts_at) AS gap_statuses
  FROM optimizations_recordinggap WHERE optimization_id = o.id
) AS p ON true
WHERE g.id = %(organization)s
"""

# Most rewards name no optimization, and planning the joins costs more than running them.
SELECT_PROVIDER: Final = b"""
SELECT c.provider, NULL AS id
FROM organizations_organization AS g
LEFT JOIN warehouse_connection AS c ON c.organization_id = g.id
WHERE g.id = $1
"""


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """What ingestion needs of an optimization."""

    design: Design
    status: str
    ended_at: datetime | None
    deleted_at: datetime | None
    gaps: tuple[Gap, ...] = ()  # stretches of time in another status than live

    @property
    def is_open(self) -> bool:
        """Whether events of any time are recorded."""
        return (
            self.deleted_at is None
            and self.ended_at is None
            and not self.gaps
            and self.status != Status.DRAFT
        )


def load_targets(
    organization_id: str, optimization_ids: Iterable[str]
) -> dict[str, IngestTarget]:
    """Return those of the optimizations that are the organization's, deleted ones included.

    Ids are UUIDs in canonical form, and so are the keys. Raises ConflictError if the
    organization's events live in a warehouse of its own.
    """
    ids = set(optimization_ids)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                SELECT_TARGETS,
                {"organization": organization_id, "optimizations": list(ids)},
            )
            rows = fetch_rows(cursor)
    else:
        rows = read_bound(SELECT_PROVIDER, [organization_id])
    if rows[0].provider not in {None, "managed"}:
        raise ConflictError(
            "The ingestion API fills the managed warehouse only, and this organization's "
            "events live in its own warehouse. Write the events there."
        )
    return {
        row.id: IngestTarget(
            design_lookup.parse_design(row.config),
            row.status,
            row.ended_at,
            row.deleted_at,
            tuple(
                zip(
                    row.gap_starts or (),
                    row.gap_ends or (),
                    row.gap_statuses or (),
                    strict=True,
                )
            ),
        )
        for row in rows
        if row.id is not None
    }


def require_own_target(
    optimization_ids: Sequence[str | None], targets: Mapping[str, IngestTarget]
) -> None:
    """Raise ForbiddenError if all events name optimizations that are not in `targets`.

    Where only some do, these are rejected by their index.
    """
    if any(pk is None or pk in targets for pk in optimization_ids):
        return
    foreign_ids = sorted({pk for pk in optimization_ids if pk is not None})
    if foreign_ids:
        raise ForbiddenError(
            "These are not optimizations of this organization: "
            f"{', '.join(foreign_ids[:5])}. No event of the batch was stored."
        )


def _get_target(targets: Mapping[str, IngestTarget], pk: str) -> IngestTarget:
    """Return the optimization's target. Raises ForbiddenItemError if there is none."""
    target = targets.get(pk)
    if target is None:
        raise ForbiddenItemError(
            "optimization_id", f"{pk} is not an optimization of this organization"
        )
    return target


def _refuse_deleted(target: IngestTarget) -> None:
    """Raise InvalidItemError: a deleted optimization must not fail the whole batch."""
    if target.deleted_at is not None:
        raise InvalidItemError(
            "optimization_id", "was deleted: its events are no longer recorded"
        )


def _refuse_closed(target: IngestTarget, timestamp: datetime) -> None:
    """Raise InvalidItemError if the optimization records no event of this time."""
    _refuse_deleted(target)
    if target.status == Status.DRAFT:
        raise InvalidItemError(
            "optimization_id",
            "is a draft: its events are not recorded before it is live",
        )
    if target.ended_at is not None and timestamp > target.ended_at:
        ended = target.ended_at.isoformat()
        raise InvalidItemError("timestamp", f"the optimization ended at {ended}")
    for starts_at, ends_at, status in target.gaps:
        if starts_at <= timestamp and (ends_at is None or timestamp < ends_at):
            raise InvalidItemError(
                "timestamp",
                f"the optimization was {status} from {starts_at.isoformat()} to "
                f"{ends_at.isoformat() if ends_at else 'now'}: exposures of that time do "
                "not count",
            )


def route_rewards(
    columns: RewardColumns, targets: Mapping[str, IngestTarget]
) -> tuple[RewardColumns, Problems]:
    """Return the rewards that may be recorded, and the problems of the others."""
    problems: Problems = {}
    open_ids = {pk for pk, target in targets.items() if target.deleted_at is None}
    if open_ids.union({None}).issuperset(columns.optimization_ids):
        return columns, problems
    kept = []
    for position, named_id in enumerate(columns.optimization_ids):
        try:
            if named_id is not None:
                _refuse_deleted(_get_target(targets, named_id))
        except InvalidItemError as error:
            problems[columns.indexes[position]] = forget_trace(error)
        else:
            kept.append(position)
    return columns.select(kept), problems


def route_exposures(
    columns: ExposureColumns, targets: Mapping[str, IngestTarget]
) -> tuple[ExposureColumns, list[tuple[str, str]], Problems]:
    """Return the exposures that may be recorded, and the problems of the others.

    Each exposure comes with its variant_key and its recorded context, which holds the
    configured factors only.
    """
    problems: Problems = {}
    kept, texts = [], []
    for position, pk in enumerate(columns.optimization_ids):
        try:
            target = _get_target(targets, pk)
            if not target.is_open:
                _refuse_closed(target, columns.timestamps[position])
            variant_key = design_lookup.resolve_variant(
                target.design, columns.variants[position]
            )
            context = design_lookup.resolve_context(
                target.design, columns.contexts[position]
            )
        except InvalidItemError as error:
            problems[columns.indexes[position]] = forget_trace(error)
        else:
            kept.append(position)
            texts.append((variant_key, context))
    return (columns.select(kept) if problems else columns), texts, problems
