"""A design without some of its contexts, and tables expanded to all contexts."""

import numpy as np
import pytest

from models_app.bandit.design import subset
from tests.support import bandit_worlds


@pytest.mark.parametrize("ignored", [(), ("c0",), ("c1",), ("c0", "c1"), ("unknown",)])
def test_cells_that_differ_only_in_ignored_factors_are_merged(
    ignored: tuple[str, ...],
) -> None:
    design = bandit_worlds.make_design((2, 2), (3, 2))

    reduced = subset.drop_contexts(design, ignored)

    used = [c for c in (0, 1) if f"c{c}" not in ignored]
    names = [factor.name for factor in reduced.design.contexts]
    assert names == [f"c{c}" for c in used]
    assert reduced.design.factors == design.factors
    for cell_index, place in enumerate(reduced.place):
        levels = design.context_levels[cell_index, used]
        assert reduced.design.context_levels[place].tolist() == levels.tolist()


def test_an_expanded_table_repeats_over_ignored_contexts() -> None:
    design = bandit_worlds.make_design((2,), (1, 2))
    reduced = subset.drop_contexts(design, {"c0"})
    table = np.arange(reduced.design.context_cells * 2.0).reshape(-1, 2)

    wide = reduced.expand_contexts(table)

    assert wide.shape == (design.context_cells, 2)
    for cell_index, levels in enumerate(design.context_levels):
        assert wide[cell_index].tolist() == table[levels[1]].tolist()
