"""Which revision of a metric each regime has: its users are counted by it for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from metrics.models import Metric
from optimizations.models import Optimization, Regime


@dataclass(frozen=True, slots=True)
class RevisionRegimes:
    """Consecutive regimes in which a metric had one revision.

    `first_day` and `last_day` are the days of first touch that may have users of them
    (UTC); history from before the first regime belongs to it. `starts_at` is the start of
    the first of these regimes, None if there is none before.
    """

    revision: int
    numbers: tuple[int, ...]
    starts_at: datetime | None
    first_day: date
    last_day: date

    def covers(self, day: date) -> bool:
        """Return whether users first touched on a day may belong to these regimes."""
        return self.first_day <= day <= self.last_day


def list_revision_regimes(
    optimization: Optimization, metric: Metric
) -> tuple[RevisionRegimes, ...]:
    """Return the regimes by revision of the metric, ascending; none for a draft.

    The last one is the present revision, which results are about.
    """
    regimes = list(optimization.regimes.order_by("number"))
    if not regimes:
        return ()
    revisions = find_revisions(regimes, metric)
    starts = [
        index
        for index, regime in enumerate(regimes)
        if index == 0
        or revisions[regime.number] != revisions[regimes[index - 1].number]
    ]
    ends = [*starts[1:], len(regimes)]
    return tuple(
        _build_group(regimes, revisions, start, end)
        for start, end in zip(starts, ends, strict=True)
    )


def find_revisions(regimes: Sequence[Regime], metric: Metric) -> dict[int, int]:
    """Return the metric's revision by the number of each regime, given ascending.

    A guardrail is missing in regimes from before it was attached, and in those while it
    was detached: they have the revision of the regime before, or else of the next one.
    """
    named = {regime.number: _read_revision(regime, metric) for regime in regimes}
    known = (revision for revision in named.values() if revision is not None)
    revision = next(known, metric.revision)
    revisions = {}
    for number, named_revision in named.items():
        revision = revision if named_revision is None else named_revision
        revisions[number] = revision
    return revisions


def _read_revision(regime: Regime, metric: Metric) -> int | None:
    if regime.metric_id == metric.pk:
        return regime.metric_revision
    return regime.guardrail_revisions.get(str(metric.pk))


def _build_group(
    regimes: Sequence[Regime], revisions: Mapping[int, int], start: int, end: int
) -> RevisionRegimes:
    starts_at = regimes[start].starts_at if start else None
    next_at = regimes[end].starts_at if end < len(regimes) else None
    return RevisionRegimes(
        revision=revisions[regimes[start].number],
        numbers=tuple(regime.number for regime in regimes[start:end]),
        starts_at=starts_at,
        first_day=starts_at.astimezone(UTC).date() if starts_at else date.min,
        last_day=next_at.astimezone(UTC).date() if next_at else date.max,
    )
