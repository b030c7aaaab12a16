"""Cells of the cube as columns: arrays to sum over, and the cells themselves. Pure."""

from collections import deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from warehouse.sql.cube.statement import Cell

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The columns of a day. The day itself and the cells' order are known without a column.
COLUMN_NAMES = tuple(field.name for field in fields(Cell) if field.name != "day")
CELL_SETTERS = {field.name: getattr(Cell, field.name).__set__ for field in fields(Cell)}


@dataclass(frozen=True, slots=True)
class DayColumns:
    """The cells of one day, in order: a list for each of COLUMN_NAMES.

    All lists have the same length. `hour` holds ISO 8601 texts or None.
    """

    day: date
    columns: Mapping[str, list[Any]]

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.columns["users"])


@dataclass(frozen=True, slots=True)
class CellArrays:
    """n cells as arrays [n], with what results are summed from; see `Cell`.

    `day` holds proleptic ordinals (`date.toordinal`), `outcome` texts or None.
    """

    regime: Integers
    day: Integers
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
    columns = {name: [getattr(cell, name) for cell in cells] for name in COLUMN_NAMES}
    columns["hour"] = [hour and hour.isoformat() for hour in columns["hour"]]
    return columns


def build_arrays(days: Sequence[DayColumns]) -> CellArrays:
    """Return the cells of all days as arrays, in order."""
    lengths = [len(day) for day in days]
    count = sum(lengths)

    def read(name: str, dtype: DTypeLike) -> NDArray[Any]:
        values = chain.from_iterable(day.columns[name] for day in days)
        return np.fromiter(values, dtype, count)

    ordinals = np.array([day.day.toordinal() for day in days], dtype=np.int64)
    return CellArrays(
        regime=read("regime", np.int64),
        day=np.repeat(ordinals, lengths),
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
    cells = [object.__new__(Cell) for _ in columns["day"]]
    for name, set_field in CELL_SETTERS.items():
        deque(map(set_field, cells, columns[name]), maxlen=0)
    return cells


def select_regimes(day: DayColumns, numbers: Container[int]) -> DayColumns:
    """Return the cells of a day whose regime is among the numbers."""
    chosen = [regime in numbers for regime in day.columns["regime"]]
    columns = {
        name: list(compress(values, chosen)) for name, values in day.columns.items()
    }
    return replace(day, columns=columns)


def _parse_hour(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
