"""Levels and pairs of levels as directions in coefficient space."""

import numpy as np
import pytest

from models_app.bandit.design import level_contrasts
from models_app.bandit.design.design import Design
from tests.support import bandit_worlds


@pytest.mark.parametrize(
    "design",
    [
        bandit_worlds.make_design((3, 4, 2), (2, 3)),
        bandit_worlds.make_design((1,)),
        bandit_worlds.make_design((2, 2)),
    ],
    ids=["crossed", "one variant", "two by two"],
)
def test_a_direction_raises_its_levels_by_one_relative_to_all_others(
    design: Design,
) -> None:
    names, directions, shares = level_contrasts.build_level_contrasts(design)

    variant, context = np.divmod(
        np.arange(design.variants * design.context_cells), design.context_cells
    )
    effect = design.rows(variant, context) @ directions.T
    assert len(names) == len(set(names)) == len(directions)
    assert effect.mean(axis=0) == pytest.approx(np.zeros(len(names)))
    assert -effect.min(axis=0, initial=0) == pytest.approx(shares)
    above = np.where(effect > 0, effect, np.nan)
    if len(names):
        assert np.nanmax(above, axis=0) - effect.min(axis=0) == pytest.approx(1)
        assert ((np.abs(effect - effect.min(axis=0)) < 1e-9) | (effect > 0)).all()
