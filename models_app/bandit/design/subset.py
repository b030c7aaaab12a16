"""Designs without some of their context factors, and tables mapped back."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from models_app.bandit.design.design import Design, Floats, Integers


@dataclass(frozen=True, slots=True)
class DesignSubset:
    """A design with fewer context factors.

    `place` [S] maps each context cell of the full design to the one in `design`.
    """

    design: Design
    place: Integers

    def expand_contexts(self, table: Floats) -> Floats:
        """Expand a table [context cells of `design`, V] to the full design's [S, V]."""
        return np.asarray(table[self.place])


def drop_contexts(design: Design, ignored: Collection[str]) -> DesignSubset:
    """Return the design without the context factors of these names, if it has them."""
    used = [c for c, factor in enumerate(design.contexts) if factor.name not in ignored]
    reduced = Design(design.factors, tuple(design.contexts[c] for c in used))
    place = np.zeros(design.context_cells, dtype=np.int64)
    for c, size in zip(used, reduced.context_sizes, strict=True):
        place = place * size + design.context_levels[:, c]
    return DesignSubset(reduced, place)
