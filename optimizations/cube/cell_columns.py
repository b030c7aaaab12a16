"""Cells of the cube as columns: arrays to sum over, and the cells themselves. Pure."""

from collections import deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
# How a column is kept in memory; hours and outcomes are texts or None.
COLUMN_TYPES: dict[str, type[np.generic]] = {
    **dict.fromkeys(COLUMN_NAMES, np.int64),
    **dict.fromkeys(("holdout", "mature"), np.bool_),
    **dict.fromkeys(("outcome", "hour"), np.object_),
    **dict.fromkeys(("value_sum", "value_sum_squares"), np.float64),
    **dict.fromkeys(("log_sum", "log_sum_squares"), np.float64),
    **dict.fromkeys(("negative_log_sum", "negative_log_sum_squares"), np.float64),
}
NO_VERSION = -1
CELL_SETTERS = {field.name: getattr(Cell, field.name).__set__ for field in fields(Cell)}


@dataclass(frozen=True, slots=True)
class DayColumns:
    """The n cells of one day, in order: an array [n] for each of COLUMN_NAMES.

    `policy_version` is -1 where none was logged. `hour` holds ISO 8601 texts or None.
    `amounts` are the buckets of numeric rewards, a list for each of AMOUNT_NAMES; None if
    the day was counted before there were any.
    """

    day: date
    columns: Mapping[str, NDArray[Any]]
    amounts: Mapping[str, list[Any]] | None = None

    @classmethod
    def from_lists(
        cls,
        day: date,
        columns: Mapping[str, list[Any]],
        amounts: Mapping[str, list[Any]] | None = None,
    ) -> "DayColumns":
        """Return the day of such lists, in which None is no policy version.

        NEGATIVE_NAMES may be missing: then nobody's value is below zero.

        Thousands of cells as lists would slow every round of the garbage collector.
        """
        versions = columns["policy_version"]
        if None in versions:
            versions = [NO_VERSION if number is None else number for number in versions]
        nothing = dict.fromkeys(NEGATIVE_NAMES, [0] * len(versions))
        lists = {**nothing, **columns, "policy_version": versions}
        return cls(
            day,
            {
                name: _build_array(lists[name], dtype)
                for name, dtype in COLUMN_TYPES.items()
            },
            amounts,
        )

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.columns["users"])


def _build_array(values: list[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return a column as an array.

    Most columns of a day have one value, or only zeros: finding that out takes a tenth
    of the time of reading them.
    """
    if values and values[0] == values[-1] and values.count(values[0]) == len(values):
        return np.full(len(values), values[0], dtype)
    return np.fromiter(values, dtype, len(values))


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
        if index.dtype == np.bool_ and index.all():
            return self
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
    names = [field.name for field in fields(PaymentArrays)]
    return PaymentArrays(**{name: _join_column(days, name) for name in names})


def build_arrays(days: Sequence[DayColumns]) -> CellArrays:
    """Return the cells of all days as arrays, in order."""
    ordinals = np.array([day.day.toordinal() for day in days], dtype=np.int64)
    names = [field.name for field in fields(CellArrays) if field.name != "day"]
    return CellArrays(
        day=np.repeat(ordinals, list(map(len, days))),
        **{name: _join_column(days, name) for name in names},
    )


def _join_column(days: Sequence[DayColumns], name: str) -> NDArray[Any]:
    nothing = np.zeros(0, dtype=COLUMN_TYPES[name])
    return np.concatenate([nothing, *(day.columns[name] for day in days)])


def build_cells(day: DayColumns, start: int = 0, end: int | None = None) -> list[Cell]:
    """Return the cells of a day from position `start` to before `end`.

    They are built column by column. Building them one by one takes three times as long,
    and a year has tens of thousands.
    """
    columns: dict[str, list[Any]] = {
        name: values[start:end].tolist() for name, values in day.columns.items()
    }
    columns["policy_version"] = [
        None if number == NO_VERSION else number for number in columns["policy_version"]
    ]
    columns["hour"] = [_parse_hour(text) for text in columns["hour"]]
    columns["day"] = [day.day] * len(columns["hour"])
    cells = [object.__new__(Cell) for _ in columns["day"]]
    for name, set_field in CELL_SETTERS.items():
        deque(map(set_field, cells, columns[name]), maxlen=0)
    return cells


def select_regimes(day: DayColumns, numbers: Container[int]) -> DayColumns:
    """Return the cells and amounts of a day whose regime is among the numbers."""
    is_chosen = np.array(
        [regime in numbers for regime in day.columns["regime"].tolist()], dtype=np.bool_
    )
    columns = {name: values[is_chosen] for name, values in day.columns.items()}
    if day.amounts is None:
        return replace(day, columns=columns)
    chosen = [regime in numbers for regime in day.amounts["regime"]]
    amounts = {
        name: list(compress(values, chosen)) for name, values in day.amounts.items()
    }
    return replace(day, columns=columns, amounts=amounts)


def _parse_hour(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
