"""What a metric counted at each of its revisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metrics.models import Metric, MetricRevision


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """What one revision of a metric counts; the fields are those of a Metric."""

    revision: int
    sql: str
    column_mapping: dict[str, Any]
    outcomes: Sequence[dict[str, Any]] | None
    look_back_days: int

    @property
    def reward_type(self) -> str:
        """`bool`, `numeric`, or `outcomes` where weighted outcomes are defined."""
        return "outcomes" if self.outcomes else str(self.column_mapping["reward_type"])


def load_definitions(metric: Metric) -> dict[int, MetricDefinition]:
    """Return the definition of each revision that is stored, as they are now.

    The metric is read again: the one at hand may be older than its regimes. Definitions
    that were replaced before revisions were stored are missing.
    """
    present = Metric.objects.filter(pk=metric.pk).first() or metric
    replaced = MetricRevision.objects.filter(metric=present)
    return {
        **{row.number: _build_definition(row, row.number) for row in replaced},
        present.revision: _build_definition(present, present.revision),
    }


def store_replaced(metric: Metric) -> None:
    """Store the definition of a saved metric that is about to be changed."""
    MetricRevision.objects.get_or_create(
        metric=metric,
        number=metric.revision,
        defaults={
            "sql": metric.sql,
            "column_mapping": metric.column_mapping,
            "outcomes": metric.outcomes,
            "look_back_days": metric.look_back_days,
        },
    )


def _build_definition(row: Metric | MetricRevision, revision: int) -> MetricDefinition:
    return MetricDefinition(
        revision=revision,
        sql=row.sql,
        column_mapping=row.column_mapping,
        outcomes=row.outcomes,
        look_back_days=row.look_back_days,
    )
