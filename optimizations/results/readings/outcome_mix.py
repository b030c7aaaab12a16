"""Users by day, arm, variant, outcome and context: all of them, or page by page."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from optimizations.cube import cell_columns, cell_groups, count_record, refresh
from optimizations.cube.cell_columns import CellArrays, DayColumns, Integers
from optimizations.cube.count_record import CountRecord
from optimizations.models import Optimization
from optimizations.results import count_notes, stored
from optimizations.results.health import health_records
from optimizations.results.health.health import Health
from optimizations.results.stored import StoredCubes
from warehouse.sql.shapes import FAILURE_OUTCOME

CONVERTED = "__converted__"


class MixKey(NamedTuple):
    """What the users of a row have in common; rows come in the order of their keys."""

    day: date
    in_holdout: bool
    variant: int
    outcome: str
    context: int


@dataclass(frozen=True, slots=True)
class OutcomeWeight:
    """An outcome and what it is worth."""

    key: str
    weight: float


@dataclass(frozen=True, slots=True)
class OutcomeMixRow:
    """Users with the same day, arm, variant, outcome and context."""

    day: date
    in_holdout: bool
    variant: str
    outcome_key: str
    users: int
    context: dict[str, str]


@dataclass(frozen=True, slots=True)
class OutcomeMixSlice:
    """Rows of the mix in order, and the key of the last one if more follow."""

    health: Health
    as_of: datetime | None
    notes: list[str]
    outcomes: list[OutcomeWeight]
    context_factors: list[str]
    rows: list[OutcomeMixRow]
    last_key: MixKey | None


@dataclass(frozen=True, slots=True)
class OutcomeMixDocument:
    """All rows of the mix, as the JSON text of a list of OutcomeMixRow."""

    health: Health
    as_of: datetime | None
    notes: list[str]
    outcomes: list[OutcomeWeight]
    context_factors: list[str]
    rows: orjson.Fragment


def build_outcome_mix_slice(
    optimization: Optimization, limit: int, after: MixKey | None
) -> OutcomeMixSlice:
    """Return users by day, arm, variant, outcome and context, mature or not.

    These are the first `limit` rows whose keys come after `after`. Only their days are
    decoded. A row whose day is counted again between two slices keeps its place.
    """
    record = _load_record(optimization)
    days = _iterate_days(optimization, after and after.day)
    following = (
        (key, users)
        for key, users in _iterate_counts(optimization, days)
        if after is None or key > after
    )
    counts = list(islice(following, limit + 1))
    variant_keys, contexts = _load_names(optimization)
    rows = [
        OutcomeMixRow(
            day=key.day,
            in_holdout=key.in_holdout,
            variant=variant_keys[key.variant],
            outcome_key=key.outcome,
            users=users,
            context=contexts[key.context],
        )
        for key, users in counts[:limit]
    ]
    last_key = counts[limit - 1][0] if len(counts) > limit else None
    return OutcomeMixSlice(
        health_records.load_health(optimization),
        record.as_of,
        count_notes.list_notes(record),
        _list_outcomes(optimization),
        _list_context_factors(optimization),
        rows,
        last_key,
    )


def build_outcome_mix_document(
    optimization: Optimization, cubes: StoredCubes
) -> OutcomeMixDocument:
    """Return the whole mix, for a document that holds everything.

    Its rows are tens of thousands, so they become text without an object for each.
    """
    cube = cubes.load_reward_cube()
    variant_keys, contexts = _load_names(optimization)
    variant_texts = {
        number: _to_json(variant_key) for number, variant_key in variant_keys.items()
    }
    context_texts = [_to_json(context) for context in contexts]
    arm_texts = {False: "false", True: "true"}
    outcome_text = functools.cache(_to_json)
    rows = [
        f'{{"day":"{day}","in_holdout":{arm_texts[in_holdout]},'
        f'"variant":{variant_texts[variant]},"outcome_key":{outcome_text(outcome)},'
        f'"users":{users},"context":{context_texts[context]}}}'
        for (day, in_holdout, variant, outcome, context), users in _iterate_counts(
            optimization, cube.days
        )
    ]
    return OutcomeMixDocument(
        health_records.load_health(optimization),
        cube.as_of,
        count_notes.list_notes(cube),
        _list_outcomes(optimization),
        _list_context_factors(optimization),
        orjson.Fragment(f"[{','.join(rows)}]"),
    )


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()


def _iterate_days(
    optimization: Optimization, since: date | None
) -> Iterable[DayColumns]:
    if optimization.went_live_at is None:
        return ()
    metric = stored.require_reward_metric(optimization)
    return refresh.iterate_days(optimization, metric, since)


def _load_record(optimization: Optimization) -> CountRecord:
    if optimization.went_live_at is None:
        return count_record.EMPTY_RECORD
    metric = stored.require_reward_metric(optimization)
    return count_record.load_count_record(optimization, metric)


def _list_outcomes(optimization: Optimization) -> list[OutcomeWeight]:
    metric = optimization.reward_metric
    outcomes = [
        OutcomeWeight(outcome["key"], outcome["weight"])
        for outcome in (metric and metric.outcomes) or ()
    ]
    return outcomes or [OutcomeWeight(CONVERTED, 1.0)]


def _list_context_factors(optimization: Optimization) -> list[str]:
    return [factor.name for factor in optimization.model.design.contexts]


def _load_names(
    optimization: Optimization,
) -> tuple[dict[int, str], list[dict[str, str]]]:
    """Return the variants' keys by number, and the levels of each context cell."""
    design = optimization.model.design
    contexts = [
        {
            factor.name: design.level_name(index, int(levels[index]))
            for index, factor in enumerate(design.contexts)
        }
        for levels in design.context_levels
    ]
    return dict(optimization.variants.values_list("number", "variant_key")), contexts


def _iterate_counts(
    optimization: Optimization, days: Iterable[DayColumns]
) -> Iterator[tuple[MixKey, int]]:
    """Yield the keys that have users, in order, with their users."""
    numbers = set(optimization.variants.values_list("number", flat=True))
    for day in days:
        for key, users in _count_day(day):
            if users and key.variant in numbers:
                yield key, users


def _count_day(day: DayColumns) -> list[tuple[MixKey, int]]:
    """Return the users of a day by key, in order."""
    cells = cell_columns.build_arrays([day])
    outcomes, users, cells = _split_by_outcome(cells)
    names, ranks = np.unique(outcomes, return_inverse=True)
    columns = (cells.holdout, cells.variant, ranks.ravel(), cells.context)
    order = np.lexsort(columns[::-1])
    groups = cell_groups.group_cells([column[order] for column in columns])
    return [
        (MixKey(day.day, bool(holdout), variant, names[rank], context), total)
        for (holdout, variant, rank, context), total in zip(
            groups.keys, groups.sum_integers(users[order]), strict=True
        )
    ]


def _split_by_outcome(
    cells: CellArrays,
) -> tuple[NDArray[np.object_], Integers, CellArrays]:
    """Return outcomes and their users, and the cells that they belong to.

    A cell without an outcome has users who converted and users who did not.
    """
    is_plain = np.array([outcome is None for outcome in cells.outcome], dtype=bool)
    plain, named = np.flatnonzero(is_plain), np.flatnonzero(~is_plain)
    converted = cells.converted[plain]
    outcomes = np.concatenate(
        [
            cells.outcome[named],
            np.full(len(plain), CONVERTED, dtype=object),
            np.full(len(plain), FAILURE_OUTCOME, dtype=object),
        ]
    )
    users = np.concatenate(
        [cells.users[named], converted, cells.users[plain] - converted]
    )
    return outcomes, users, cells.select(np.concatenate([named, plain, plain]))
