"""Tables of probabilities as bytes and back, and cut to the variants that may be served."""

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Floats


def pack_table(table: Floats) -> bytes:
    """Write a table [segments, variants] as little-endian float64, row-major."""
    return np.ascontiguousarray(table, dtype="<f8").tobytes()


def unpack_table(data: bytes | memoryview, segments: int, variants: int) -> Floats:
    """Read what `pack` wrote."""
    table = np.frombuffer(bytes(data), dtype="<f8").reshape(segments, variants)
    return table.astype(np.float64)


def restrict_to_enabled(
    shares: Floats, known: NDArray[np.bool_], enabled: NDArray[np.bool_]
) -> Floats:
    """Keep the enabled columns; new ones get 1 / enabled; every row sums to 1.

    `known` [V] are the variants that the table could serve.
    """
    kept = np.where(enabled & known, shares, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    entering = (enabled & ~known) / enabled.sum()
    learned = kept / np.where(total > 0, total, 1.0) * (1 - entering.sum()) + entering
    spread = np.where(total > 0, learned, enabled / enabled.sum())
    return np.asarray(spread, dtype=np.float64)
