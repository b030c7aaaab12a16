"""The observation cube: the statement that counts it, and how its rows are decoded."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from warehouse.sql.cube import cloud, connected_postgres, managed_postgres
from warehouse.sql.cube.day_notes import (
    LATE_EXPOSURES,
    LATE_REWARDS,
    UNREAD_AMOUNTS,
    decode_keys,
)
from warehouse.sql.cube.row_columns import CELL_COLUMNS, COLUMNS, require_cell_types
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.shapes import (
    FAILURE_OUTCOME,
    AmountBucket,
    Cell,
    CheckedMetric,
    CheckedSource,
    ContextFactor,
    Cube,
    CubeSpec,
    DayCounts,
    Note,
    OutcomeRule,
    RegimeSpan,
    Statement,
    TimeGap,
)

__all__ = [
    "AmountBucket",
    "Cell",
    "CheckedMetric",
    "CheckedSource",
    "ContextFactor",
    "Cube",
    "CubeSpec",
    "DayCounts",
    "Note",
    "OutcomeRule",
    "RegimeSpan",
    "Statement",
    "TimeGap",
    "build_statement",
    "decode_cube",
]

# For connected warehouses, by dialect. The managed store has a statement of its own.
STATEMENT_BUILDERS: dict[
    str, Callable[[CubeSpec, CheckedMetric, CheckedSource], Statement]
] = {
    "postgres": connected_postgres.build_statement,
    # Not a dialect of its own: what servers before version 16 understand of it.
    "postgres before 16": connected_postgres.build_statement_before_16,
    **{
        dialect: partial(cloud.build_statement, engine)
        for dialect, engine in cloud.ENGINES.items()
    },
}
LAG_BUCKETS = 32
NOTE_KINDS = (
    *("variant", "context", "keys", "exposures"),
    *(LATE_EXPOSURES, LATE_REWARDS, UNREAD_AMOUNTS),
)
# Only numeric rewards have amounts.
NO_AMOUNTS: dict[str, Any] = {
    "payers": 0,
    "log_sum": 0.0,
    "log_sum_squares": 0.0,
    "negatives": 0,
    "negative_log_sum": 0.0,
    "negative_log_sum_squares": 0.0,
}

# The statement's columns, in order. A 'cell' row holds a Cell and its two checks. A 'lag'
# row holds its day, its bucket in `context` and its users. An 'amount' row holds regime, day
# and arm, its bucket in `context`, and users and sums. A 'blank' row holds its day, and
# in `users` the number of exposures without an id. Erased people are further 'cell',
# 'lag', 'amount' and 'exposures' rows, on the managed store alone. day_notes.py says what rows of notes hold. The
# 'read' row holds the number of exposure rows read in `users`.
KEY_COLUMNS = CELL_COLUMNS[: CELL_COLUMNS.index("users")]
SUM_COLUMNS = CELL_COLUMNS[len(KEY_COLUMNS) :]


def build_statement(
    spec: CubeSpec,
    metric: CheckedMetric,
    source: CheckedSource | None = None,
    dialect: str = "postgres",
) -> Statement:
    """Build the statement of docs/statistics.md section 1 for the days of `spec`.

    Without a `source` the statement is the managed store's. The result's columns and
    their types are the same for all warehouses (see `decode_cube`).

    Beyond that page: an exposure counts, like a reward, from the first touch until the
    horizon, so that a sealed day is final. Nothing later than `as_of` counts. Both ends
    of a window belong to it. Raises RefusedError for an unknown dialect, and ValueError
    if the spec has no day or no regime.
    """
    dialects = STATEMENT_BUILDERS.keys() if source else {"postgres"}
    if dialect not in dialects:
        raise RefusedError(f"The dialect {dialect} is not supported yet.")
    if not spec.days or not spec.regimes:
        raise ValueError("a cube needs at least one day and one regime")
    if source is None:
        return managed_postgres.build_statement(spec, metric)
    return STATEMENT_BUILDERS[dialect](spec, metric, source)


def decode_cube(rows: Iterable[Sequence[object]], spec: CubeSpec) -> Cube:
    """Decode the statement's rows, in any order, into a Cube."""
    cells: dict[tuple[object, ...], Cell] = {}
    lags: defaultdict[date, list[int]] = defaultdict(lambda: [0] * LAG_BUCKETS)
    crossed: Counter[date] = Counter()
    mismatched: Counter[date] = Counter()
    blank: Counter[date] = Counter()
    amounts: dict[tuple[object, ...], AmountBucket] = {}
    notes: defaultdict[date, Counter[Note]] = defaultdict(Counter)
    rows_read = 0
    for row in rows:
        values = dict(zip(COLUMNS, row, strict=True))
        match values["kind"]:
            case "cell":
                cell = _decode_cell(values, spec)
                _add_cell(cells, cell)
                crossed[cell.day] += _require_integer(values["crossed"])
                mismatched[cell.day] += _require_integer(values["mismatched"])
            case "lag":
                day = require_date(values["day"])
                lags[day][_require_integer(values["context"])] += _require_integer(
                    values["users"]
                )
            case "amount":
                _add_amount(amounts, _decode_amount(values))
            case "blank":
                day = require_date(values["day"])
                blank[day] += _require_integer(values["users"])
            case kind if kind in NOTE_KINDS:
                _add_note(notes, values)
            case _:
                rows_read += _require_integer(values["users"])
    days = tuple(
        DayCounts(
            day,
            tuple(lags[day]),
            crossed[day],
            mismatched[day],
            blank[day],
            _list_notes(notes[day]),
        )
        for day in sorted(
            {cell.day for cell in cells.values()}.union(lags, blank, notes)
        )
    )
    total_lags = tuple(sum(counts) for counts in zip(*lags.values(), strict=True))
    return Cube(
        tuple(cells.values()),
        total_lags or (0,) * LAG_BUCKETS,
        crossed.total(),
        mismatched.total(),
        rows_read,
        days,
        tuple(amounts.values()),
    )


def _decode_amount(values: Mapping[str, Any]) -> AmountBucket:
    return AmountBucket(
        regime=_require_integer(values["regime"]),
        day=require_date(values["day"]),
        holdout=values["holdout"],
        bucket=_require_integer(values["context"]),
        users=_require_integer(values["users"]),
        value_sum=values["value_sum"],
        value_sum_squares=values["value_sum_squares"],
    )


def _decode_cell(values: Mapping[str, Any], spec: CubeSpec) -> Cell:
    require_cell_types(values)
    cell = Cell(*(values[name] for name in CELL_COLUMNS))
    if spec.reward_type == "outcomes":
        return replace(cell, outcome=cell.outcome or FAILURE_OUTCOME, **NO_AMOUNTS)
    return cell if spec.reward_type == "numeric" else replace(cell, **NO_AMOUNTS)


def _decode_note(values: Mapping[str, Any]) -> Note:
    factor, text = values["context"], str(values["outcome"])
    return Note(
        values["kind"],
        None if factor is None else _require_integer(factor),
        decode_keys(text) if values["kind"] == "keys" else text,
        _require_integer(values["users"]),
    )


def _add_note(notes: Mapping[date, Counter[Note]], values: Mapping[str, Any]) -> None:
    note = _decode_note(values)
    notes[require_date(values["day"])][replace(note, count=0)] += note.count


def _list_notes(counts: Counter[Note]) -> tuple[Note, ...]:
    """Return the notes in order; those of erased people are rows of their own."""
    notes = (replace(note, count=count) for note, count in counts.items())
    return tuple(sorted(notes, key=_get_note_order))


def _get_note_order(note: Note) -> tuple[object, ...]:
    return (note.kind, note.factor or 0, -note.count, note.text)


def _add_cell(cells: dict[tuple[object, ...], Cell], cell: Cell) -> None:
    """Add a cell; erased people are rows of their own, of a cell that there may be."""
    key = tuple(getattr(cell, name) for name in KEY_COLUMNS)
    if (known := cells.get(key)) is not None:
        sums = {
            name: getattr(known, name) + getattr(cell, name) for name in SUM_COLUMNS
        }
        cell = replace(known, **sums)
    cells[key] = cell


def _add_amount(
    amounts: dict[tuple[object, ...], AmountBucket], row: AmountBucket
) -> None:
    """Add a bucket; see `_add_cell`."""
    key = (row.regime, row.day, row.holdout, row.bucket)
    if (known := amounts.get(key)) is not None:
        row = replace(
            known,
            users=known.users + row.users,
            value_sum=known.value_sum + row.value_sum,
            value_sum_squares=known.value_sum_squares + row.value_sum_squares,
        )
    amounts[key] = row


def require_date(value: object) -> date:
    """Return a day. Raises TypeError for anything else, as a moment."""
    if type(value) is not date:
        raise TypeError(f"The warehouse returned {value!r} where a date is expected.")
    return value


def _require_integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"The warehouse returned {value!r} where a count is expected.")
    return value
