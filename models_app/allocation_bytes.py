"""Allocation tables: their byte format, and their restriction to enabled variants."""

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Floats


def pack_table(table: Floats) -> bytes:
    """Return a table [context cells, variants] as little-endian float64, row-major."""
    return np.ascontiguousarray(table, dtype="<f8").tobytes()


def unpack_table(data: bytes | memoryview, context_cells: int, variants: int) -> Floats:
    """Return the table [context cells, variants] that `pack_table` wrote."""
    table = np.frombuffer(bytes(data), dtype="<f8").reshape(context_cells, variants)
    return table.astype(np.float64)


def restrict_to_enabled(
    shares: Floats, servable: NDArray[np.bool_], enabled: NDArray[np.bool_]
) -> Floats:
    """Return the shares [S, V] over the enabled variants only; every row sums to 1.

    `servable` [V] marks the variants that the table could serve. An enabled variant that
    it could not serve gets the even share, 1 / number of enabled variants; the others
    share the rest as before. A row without any share left becomes even.
    """
    remaining = np.where(enabled & servable, shares, 0.0)
    total = remaining.sum(axis=1, keepdims=True)
    entering = (enabled & ~servable) / enabled.sum()
    scaled = remaining / np.where(total > 0, total, 1.0) * (1 - entering.sum())
    restricted = np.where(total > 0, scaled + entering, enabled / enabled.sum())
    return np.asarray(restricted, dtype=np.float64)
