"""The stream: what happened of the chosen kinds, newest first, by day and by page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final, get_args

from django.http import QueryDict
from django.utils import timezone

from levered_site.organizations import audit_changes, audit_words
from levered_site.organizations.models import AuditEntry
from optimizations.admin.history_page import changes, periods, trainings
from optimizations.admin.history_page.entry import (
    KIND_TITLES,
    Kind,
    Span,
    StreamEntry,
)
from optimizations.admin.numbered_variants import list_variant_names
from optimizations.models import Optimization, Regime

PAGE_SIZE: Final = 40
MAX_DOWNLOADED: Final = 1_000
KEY: Final = "key:"  # begins the actor that is an API key
ALL_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """Which kinds to show, and from before which moment."""

    kinds: tuple[Kind, ...]
    before: datetime | None = None

    @property
    def choices(self) -> list[tuple[Kind, str, bool]]:
        """Each kind with its title, and whether it is shown."""
        return [(kind, KIND_TITLES[kind], kind in self.kinds) for kind in ALL_KINDS]


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on a day, newest first."""

    day: date
    title: str
    entries: Sequence[StreamEntry]


@dataclass(frozen=True, slots=True)
class StreamPage:
    """A page of the stream; `next_before` is where the next one begins, "" on the last."""

    days: Sequence[Day]
    next_before: str


def read_filter(query: QueryDict) -> StreamFilter:
    """Return the filter of an address; what nobody can read chooses nothing."""
    chosen = set(query.getlist("kind"))
    kinds = tuple(kind for kind in ALL_KINDS if kind in chosen)
    return StreamFilter(kinds or ALL_KINDS, _read_moment(query.get("before", "")))


def load_page(
    optimization: Optimization, wanted: StreamFilter, regimes: Sequence[Regime]
) -> StreamPage:
    """Return the page of the stream that begins where the filter says."""
    entries = load_entries(optimization, wanted, regimes, PAGE_SIZE + 1)
    is_last = len(entries) <= PAGE_SIZE
    if not is_last:
        # What happened at one moment stays on one page.
        end = entries[PAGE_SIZE - 1].at
        entries = [entry for entry in entries if entry.at >= end]
    today = timezone.now().astimezone(UTC).date()
    return StreamPage(
        days=[
            Day(day, _name_day(day, today), list(group))
            for day, group in groupby(entries, key=_find_day)
        ],
        next_before="" if is_last else entries[-1].at.isoformat(),
    )


def load_entries(
    optimization: Optimization,
    wanted: StreamFilter,
    regimes: Sequence[Regime],
    limit: int,
) -> list[StreamEntry]:
    """Return the newest entries of the filter, at least `limit` if there are so many.

    `regimes` are all of the optimization, by their numbers.
    """
    span, kinds = Span(limit, wanted.before), wanted.kinds
    entries: list[StreamEntry] = []
    audited: list[AuditEntry] = []
    variants = list_variant_names(optimization)
    if "period" in kinds:
        entries += periods.list_periods(regimes, span, variants)
    if "training" in kinds:
        entries += trainings.load_versions(optimization, span, variants)
        entries += trainings.load_unpublished(optimization, span)
    if "note" in kinds:
        entries += changes.list_notes(optimization, span)
    if "change" in kinds:
        audited = changes.load_audit_entries(optimization, span)
    names = changes.load_names(optimization, _list_named(entries, audited))
    entries += [changes.build_change(entry, names, variants) for entry in audited]
    described = [_name_actor(entry, names) for entry in entries]
    return sorted(described, key=lambda entry: entry.at, reverse=True)


def _list_named(
    entries: Iterable[StreamEntry], audited: Iterable[AuditEntry]
) -> set[str]:
    """Return the ids whose names the entries are to show."""
    actors = {entry.actor.removeprefix(KEY) for entry in entries if KEY in entry.actor}
    keys = {entry.actor_id for entry in audited if entry.actor_kind == "key"}
    return actors.union(keys, *map(audit_changes.list_ids, audited))


def _name_actor(entry: StreamEntry, names: Mapping[str, str]) -> StreamEntry:
    if not entry.actor:
        return entry
    return replace(entry, who=audit_words.describe_actor_text(entry.actor, names))


def _find_day(entry: StreamEntry) -> date:
    return entry.at.astimezone(UTC).date()


def _name_day(day: date, today: date) -> str:
    names = {
        today: "Today, ",
        today - timedelta(days=1): "Yesterday, ",
        today + timedelta(days=1): "Tomorrow, ",
    }
    return f"{names.get(day, '')}{day:%A} {day.day} {day:%B %Y}"


def _read_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
