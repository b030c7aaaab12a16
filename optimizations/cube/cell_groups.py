"""Group cells by columns and sum them by group. Pure.

Values are added one after another in the order of the cells, as numpy's bincount does, so
that sums are the same to the last bit whatever computes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizations.cube.cell_columns import Flags, Floats, Integers

# The values of the columns that cells are grouped by.
GroupKey = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CellGroups:
    """n cells in g groups: the number [n] of each cell's group, and the keys [g].

    Groups are numbered in the order of their first cells, or of their keys.
    """

    numbers: Integers
    keys: list[GroupKey]

    def sum_integers(self, column: Integers) -> list[int]:
        """Sum a column [n] by group [g]; exact below 2^53."""
        sums = np.bincount(self.numbers, column, len(self.keys))
        integers: list[int] = sums.astype(np.int64).tolist()
        return integers

    def sum_values(self, column: Floats) -> list[float]:
        """Sum a column [n] by group [g], adding in the order of the cells."""
        sums: list[float] = np.bincount(self.numbers, column, len(self.keys)).tolist()
        return sums


def group_cells(
    columns: Sequence[Integers | Flags], *, in_key_order: bool = False
) -> CellGroups:
    """Group n cells by columns [n] of whole numbers.

    Takes memory for every key between the smallest and largest values, so it is for
    columns such as day, arm, variant and context.
    """
    count = len(columns[0])
    if not count:
        return CellGroups(np.zeros(0, dtype=np.int64), [])
    lows = [int(column.min()) for column in columns]
    shifted = [
        column.astype(np.int64) - low for column, low in zip(columns, lows, strict=True)
    ]
    sizes = tuple(int(column.max()) + 1 for column in shifted)
    codes = np.ravel_multi_index(shifted, sizes)
    first = np.full(int(np.prod(sizes)), count)
    first[codes[::-1]] = np.arange(count)[::-1]  # of equal codes the last one is kept
    present = np.flatnonzero(first < count)
    if not in_key_order:
        present = present[np.argsort(first[present])]
    numbers = np.empty(len(first), dtype=np.int64)
    numbers[present] = np.arange(len(present))
    levels = np.unravel_index(present, sizes)
    values = [(level + low).tolist() for level, low in zip(levels, lows, strict=True)]
    return CellGroups(numbers[codes], list(zip(*values, strict=True)))
