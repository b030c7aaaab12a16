"""A design without some of its context factors, and the way back."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from models_app.bandit.design.design import Design, Floats, Integers


@dataclass(frozen=True, slots=True)
class DesignSubset:
    """What is left of a design; `place` [S] is each whole context cell's index in it."""

    design: Design
    place: Integers

    def expand_contexts(self, table: Floats) -> Floats:
        """Write a table [cells left, V] out for every context cell [S, V]."""
        return np.asarray(table[self.place])


def drop_contexts(design: Design, ignored: Collection[str]) -> DesignSubset:
    """Leave context factors out by name; names the design does not have are none."""
    kept = [
        at for at, factor in enumerate(design.contexts) if factor.name not in ignored
    ]
    left = Design(design.factors, tuple(design.contexts[at] for at in kept))
    place = np.zeros(design.segments, dtype=np.int64)
    for at, size in zip(kept, left.context_sizes, strict=True):
        place = place * size + design.context_levels[:, at]
    return DesignSubset(left, place)
