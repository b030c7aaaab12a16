"""What a metric counted at each of its revisions."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metrics.models import Metric, MetricRevision

QUOTED = re.compile(r"""('[^']*'|"[^"]*"|`[^`]*`)""")
WHITE_SPACE = re.compile(r"\s+")


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
    that were replaced before revisions were stored are missing. Where the present text was
    only formatted since it was first counted, its definition has the text of then, which
    the stored counts are known by.
    """
    present = Metric.objects.filter(pk=metric.pk).first() or metric
    stored = MetricRevision.objects.filter(metric=present)
    return {
        present.revision: _build_definition(present, present.revision),
        **{row.number: _build_definition(row, row.number) for row in stored},
    }


def find_known(
    saved: Metric, changed: Metric, equal_texts: Collection[str] = ()
) -> MetricDefinition | None:
    """Return the revision that counts what the changed metric does; None if it is new.

    `saved` is the metric as it is stored. White space outside of quotes makes no
    difference, and `equal_texts` are the same query as the changed one. Of several such
    revisions the newest is returned.
    """
    definitions = load_definitions(saved)
    wanted = _build_definition(changed, 0)
    numbers = [
        number
        for number, definition in definitions.items()
        if _normalize(definition) == _normalize(wanted)
        or (
            definition.sql in equal_texts
            and _normalize(replace(definition, sql=""))
            == _normalize(replace(wanted, sql=""))
        )
    ]
    return definitions[max(numbers)] if numbers else None


def find_next_number(saved: Metric) -> int:
    """Return the number of a new revision: after a change was taken back it is not last."""
    return max(load_definitions(saved)) + 1


def restore_definition(metric: Metric, definition: MetricDefinition) -> None:
    """Give an unsaved metric a definition that it had."""
    metric.revision = definition.revision
    metric.sql = definition.sql
    metric.column_mapping = definition.column_mapping
    metric.outcomes = None if definition.outcomes is None else [*definition.outcomes]
    metric.look_back_days = definition.look_back_days


def store_definition(metric: Metric) -> None:
    """Store the definition of a saved metric that is about to be changed.

    One that is stored is left as it is: its text is the one that was first counted.
    """
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


def _normalize(definition: MetricDefinition) -> tuple[object, ...]:
    return (
        _normalize_sql(definition.sql),
        definition.column_mapping,
        list(definition.outcomes or ()),
        definition.look_back_days,
    )


def _normalize_sql(sql: str) -> str:
    """Return the text with single spaces outside of quotes.

    A comment ends with its line and quotes may be escaped, so a text that may have one of
    these is left as it is.
    """
    if any(mark in sql for mark in ("--", "/*", "#", "$", "\\")):
        return sql.strip()
    pieces = QUOTED.split(sql)
    pieces[::2] = [WHITE_SPACE.sub(" ", piece) for piece in pieces[::2]]
    return "".join(pieces).strip().rstrip("; ")
