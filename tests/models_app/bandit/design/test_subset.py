"""A design without some of its contexts, and tables written out again."""

import numpy as np
import pytest

from models_app.bandit.design import subset
from tests.support import bandit_worlds


@pytest.mark.parametrize("ignored", [(), ("c0",), ("c1",), ("c0", "c1"), ("nobody",)])
def test_cells_that_differ_in_ignored_factors_alone_fall_together(
    ignored: tuple[str, ...],
) -> None:
    design = bandit_worlds.make_design((2, 2), (3, 2))

    found = subset.drop_contexts(design, ignored)

    kept = [at for at in (0, 1) if f"c{at}" not in ignored]
    assert [factor.name for factor in found.design.contexts] == [
        f"c{at}" for at in kept
    ]
    assert found.design.factors == design.factors
    for segment, place in enumerate(found.place):
        whole = design.context_levels[segment, kept]
        assert found.design.context_levels[place].tolist() == whole.tolist()


def test_a_table_is_the_same_wherever_it_cannot_tell() -> None:
    design = bandit_worlds.make_design((2,), (1, 2))
    found = subset.drop_contexts(design, {"c0"})
    table = np.arange(found.design.segments * 2.0).reshape(-1, 2)

    wide = found.expand_contexts(table)

    assert wide.shape == (design.segments, 2)
    for segment, levels in enumerate(design.context_levels):
        assert wide[segment].tolist() == table[levels[1]].tolist()
