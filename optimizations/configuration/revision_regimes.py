"""Which revision of a metric each regime has: its users are counted by it for good."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise

from metrics.models import Metric
from optimizations.models import Optimization, Regime


@dataclass(frozen=True, slots=True)
class RegimeSpan:
    """Consecutive regimes in which a metric had one revision.

    `first_day` and `last_day` are the days of first touch that may have users of them
    (UTC); history from before the first regime belongs to it. `starts_at` is None if no
    regime is before them, `ends_at` if none is after.
    """

    numbers: tuple[int, ...]
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def first_day(self) -> date:
        """The first day that may have users of them."""
        return self.starts_at.astimezone(UTC).date() if self.starts_at else date.min

    @property
    def last_day(self) -> date:
        """The last day that may have users of them; users of later regimes share it."""
        return self.ends_at.astimezone(UTC).date() if self.ends_at else date.max

    def covers(self, day: date) -> bool:
        """Return whether users first touched on a day may belong to these regimes."""
        return self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True)
class RevisionRegimes:
    """All regimes in which a metric had one revision, ascending.

    There are several spans of them if a change of the metric was taken back.
    """

    revision: int
    spans: tuple[RegimeSpan, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the regimes, ascending."""
        return tuple(number for span in self.spans for number in span.numbers)

    @property
    def starts_at(self) -> datetime | None:
        """The start of the first regime; None if there is none before."""
        return self.spans[0].starts_at

    @property
    def first_day(self) -> date:
        """The first day that may have users of these regimes."""
        return self.spans[0].first_day

    @property
    def last_day(self) -> date:
        """The last day that may have users of these regimes."""
        return self.spans[-1].last_day

    @property
    def gaps(self) -> tuple[tuple[datetime, datetime], ...]:
        """The times between the spans, in which the metric had other revisions."""
        pairs = pairwise(self.spans)
        return tuple(
            (before.ends_at, after.starts_at)
            for before, after in pairs
            if before.ends_at is not None and after.starts_at is not None
        )

    def covers(self, day: date) -> bool:
        """Return whether users first touched on a day may belong to these regimes."""
        return any(span.covers(day) for span in self.spans)

    def shares(self, day: date) -> bool:
        """Return whether users of a covered day may also belong to other revisions."""
        return any(day in (span.first_day, span.last_day) for span in self.spans)

    def find_newest(self, day: date) -> int:
        """Return the newest of the regimes that may have users of a day; 0 for none."""
        newest = (span.numbers[-1] for span in self.spans if span.covers(day))
        return max(newest, default=0)

    def is_newest(self, day: date) -> bool:
        """Return whether no newer revision may have users of a day."""
        return any(span.covers(day) and day != span.last_day for span in self.spans)


def list_revision_regimes(
    optimization: Optimization, metric: Metric
) -> tuple[RevisionRegimes, ...]:
    """Return the regimes by revision of the metric; none for a draft.

    They are in the order of their last regimes. So the last one is the present revision,
    which results are about.
    """
    regimes = list(optimization.regimes.all())  # by number
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
    spans: defaultdict[int, list[RegimeSpan]] = defaultdict(list)
    for start, end in zip(starts, ends, strict=True):
        revision = revisions[regimes[start].number]
        spans[revision].append(_build_span(regimes, start, end))
    groups = [RevisionRegimes(revision, tuple(own)) for revision, own in spans.items()]
    return tuple(sorted(groups, key=lambda group: group.numbers[-1]))


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


def _build_span(regimes: Sequence[Regime], start: int, end: int) -> RegimeSpan:
    return RegimeSpan(
        numbers=tuple(regime.number for regime in regimes[start:end]),
        starts_at=regimes[start].starts_at if start else None,
        ends_at=regimes[end].starts_at if end < len(regimes) else None,
    )
