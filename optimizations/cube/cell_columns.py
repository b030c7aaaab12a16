"""Cells of the cube as columns: arrays to sum over, and the cells themselves. Pure."""

from collections import deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from itertools import chain, compress, repeat
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from warehouse.sql.cube.statement import AmountBucket, Cell

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The columns of a day. The day itself and the cells' order are known without a column.
COLUMN_NAMES = tuple(field.name for field in fields(Cell) if field.name != "day")
# Left out of a day without values below zero, and missing in days counted before.
NEGATIVE_NAMES = ("negatives", "negative_log_sum", "negative_log_sum_squares")
AMOUNT_NAMES = tuple(
    field.name for field in fields(AmountBucket) if field.name != "day"
)
CELL_SETTERS = {field.name: getattr(Cell, field.name).__set__ for field in fields(Cell)}


@dataclass(frozen=True, slots=True)
class DayColumns:
    """The cells of one day, in order: a list for each of COLUMN_NAMES.

    All lists have the same length. `hour` holds ISO 8601 texts or None. NEGATIVE_NAMES are
    missing where nobody's value is below zero. `amounts` are the
    buckets of numeric rewards, a list for each of AMOUNT_NAMES; None if the day was counted
    before there were any.
    """

    day: date
    columns: Mapping[str, list[Any]]
    amounts: Mapping[str, list[Any]] | None = None

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.columns["users"])


@dataclass(frozen=True, slots=True)
class PaymentArrays:
    """What payers of n cells paid, as arrays [n]: only numeric rewards need them.

    `negatives` are the users whose value is below zero.
    """

    payers: Integers
    negatives: Integers
    log_sum: Floats
    log_sum_squares: Floats


@dataclass(frozen=True, slots=True)
class CellArrays:
    """n cells as arrays [n], with what results are summed from; see `Cell`.

    `day` holds proleptic ordinals (`date.toordinal`), `outcome` texts or None, and
    `policy_version` -1 where none was logged.
    """

    regime: Integers
    day: Integers
    policy_version: Integers
    holdout: Flags
    variant: Integers
    context: Integers
    outcome: NDArray[np.object_]
    mature: Flags
    users: Integers
    exposures: Integers
    converted: Integers
    value_sum: Floats
    value_sum_squares: Floats

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.users)

    def select(self, index: Flags | Integers) -> "CellArrays":
        """Return the cells of a mask [n] or, in this order, of positions."""
        return CellArrays(
            **{field.name: getattr(self, field.name)[index] for field in fields(self)}
        )


def collect_columns(cells: Sequence[Cell]) -> dict[str, list[Any]]:
    """Return the columns of the cells of one day."""
    has_negatives = any(cell.negatives for cell in cells)
    names = [
        name for name in COLUMN_NAMES if has_negatives or name not in NEGATIVE_NAMES
    ]
    columns = {name: [getattr(cell, name) for cell in cells] for name in names}
    columns["hour"] = [hour and hour.isoformat() for hour in columns["hour"]]
    return columns


def collect_amounts(amounts: Sequence[AmountBucket]) -> dict[str, list[Any]]:
    """Return the columns of the buckets of one day."""
    return {name: [getattr(row, name) for row in amounts] for name in AMOUNT_NAMES}


def build_amounts(day: DayColumns) -> tuple[AmountBucket, ...] | None:
    """Return the buckets of a day; None if they were not counted."""
    if day.amounts is None:
        return None
    rows = zip(*(day.amounts[name] for name in AMOUNT_NAMES), strict=True)
    return tuple(
        AmountBucket(day=day.day, **dict(zip(AMOUNT_NAMES, row, strict=True)))
        for row in rows
    )


def build_payment_arrays(days: Sequence[DayColumns]) -> PaymentArrays:
    """Return what the payers of all cells paid, in the order of `build_arrays`."""
    return PaymentArrays(
        payers=_read_column(days, "payers", np.int64),
        negatives=_read_column(days, "negatives", np.int64),
        log_sum=_read_column(days, "log_sum", np.float64),
        log_sum_squares=_read_column(days, "log_sum_squares", np.float64),
    )


def _read_column(
    days: Sequence[DayColumns], name: str, dtype: DTypeLike
) -> NDArray[Any]:
    values = chain.from_iterable(
        day.columns[name] if name in day.columns else repeat(0, len(day))
        for day in days
    )
    return np.fromiter(values, dtype, sum(map(len, days)))


def build_arrays(days: Sequence[DayColumns]) -> CellArrays:
    """Return the cells of all days as arrays, in order."""
    lengths = [len(day) for day in days]

    def read(name: str, dtype: DTypeLike) -> NDArray[Any]:
        return _read_column(days, name, dtype)

    ordinals = np.array([day.day.toordinal() for day in days], dtype=np.int64)
    return CellArrays(
        regime=read("regime", np.int64),
        day=np.repeat(ordinals, lengths),
        policy_version=np.fromiter(
            (
                -1 if version is None else version
                for day in days
                for version in day.columns["policy_version"]
            ),
            np.int64,
            sum(lengths),
        ),
        holdout=read("holdout", np.bool_),
        variant=read("variant", np.int64),
        context=read("context", np.int64),
        outcome=read("outcome", np.object_),
        mature=read("mature", np.bool_),
        users=read("users", np.int64),
        exposures=read("exposures", np.int64),
        converted=read("converted", np.int64),
        value_sum=read("value_sum", np.float64),
        value_sum_squares=read("value_sum_squares", np.float64),
    )


def build_cells(day: DayColumns, start: int = 0, end: int | None = None) -> list[Cell]:
    """Return the cells of a day from position `start` to before `end`.

    They are built column by column. Building them one by one takes three times as long,
    and a year has tens of thousands.
    """
    columns = {name: values[start:end] for name, values in day.columns.items()}
    columns["hour"] = [_parse_hour(text) for text in columns["hour"]]
    columns["day"] = [day.day] * len(columns["hour"])
    for name in NEGATIVE_NAMES:
        columns.setdefault(name, [0] * len(columns["hour"]))
    cells = [object.__new__(Cell) for _ in columns["day"]]
    for name, set_field in CELL_SETTERS.items():
        deque(map(set_field, cells, columns[name]), maxlen=0)
    return cells


def select_regimes(day: DayColumns, numbers: Container[int]) -> DayColumns:
    """Return the cells and amounts of a day whose regime is among the numbers."""
    chosen = [regime in numbers for regime in day.columns["regime"]]
    columns = {
        name: list(compress(values, chosen)) for name, values in day.columns.items()
    }
    if day.amounts is None:
        return replace(day, columns=columns)
    chosen = [regime in numbers for regime in day.amounts["regime"]]
    amounts = {
        name: list(compress(values, chosen)) for name, values in day.amounts.items()
    }
    return replace(day, columns=columns, amounts=amounts)


def _parse_hour(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
