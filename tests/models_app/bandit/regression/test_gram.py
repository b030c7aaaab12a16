"""Gram matrices of crossed rows equal the plain product of the rows."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design import level_contrasts
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import change_points
from models_app.bandit.regression.change_points import ChangePoint
from models_app.bandit.regression.gram import cross_features
from models_app.bandit.regression.likelihood import (
    RegressionSystem,
    arrange_cells,
    compute_derivatives,
)
from tests.support import bandit_worlds

CROSSED = [((3, 2), (2,)), ((3, 2, 2), (3, 4)), ((4, 1, 3), (2, 1, 2)), ((6, 5), (4,))]


def make_cells(
    design: Design, count: int, *, has_immature: bool = False
) -> TrainingCells:
    rng = np.random.default_rng(7)
    users = rng.integers(1, 500, count).astype(float)
    stratum = np.sort(rng.integers(0, 6, count))
    return TrainingCells(
        stratum=stratum,
        stratum_time=np.arange(6.0),
        variant=rng.integers(0, design.variants, count),
        context=rng.integers(0, design.context_cells, count),
        users=users,
        successes=np.floor(users * 0.05),
        maturity=np.where(has_immature & (stratum > 3), rng.random(count), 1.0),
    )


def compute_curvature(system: RegressionSystem) -> Floats:
    return compute_derivatives(system, np.full(len(system.users), -2.0)).curvature


def is_gram_exact(design: Design, share: float) -> bool:
    """Return whether the Gram matrix of a share of all pairs is that of their rows."""
    rng = np.random.default_rng(1)
    count = design.variants * design.context_cells
    sample = np.sort(rng.choice(count, int(share * count), replace=False))
    variant, context = np.divmod(sample, design.context_cells)
    rows, weight = design.rows(variant, context), rng.exponential(100.0, len(sample))
    crossed = cross_features(design, variant, context)
    assert crossed is not None
    plain = (rows.T * weight) @ rows
    return bool(np.allclose(crossed.compute_gram(weight), plain, rtol=0, atol=1e-8))


@pytest.mark.parametrize(("sizes", "contexts"), CROSSED)
def test_crossed_gram_matrices_are_those_of_the_rows(
    sizes: tuple[int, ...], contexts: tuple[int, ...]
) -> None:
    assert is_gram_exact(bandit_worlds.make_design(sizes, contexts), 0.7)


def test_interactions_that_the_design_leaves_out_stay_out() -> None:
    design = bandit_worlds.make_design((20, 20), (32, 8))
    assert design.left_out == ("f1 x context c0",)

    assert is_gram_exact(design, 0.03)


def test_delay_and_change_columns_follow_the_crossed_features() -> None:
    design = bandit_worlds.make_design((3, 2, 2), (3, 4))
    system = arrange_cells(design, make_cells(design, 900, has_immature=True))
    names, directions, _ = level_contrasts.build_level_contrasts(design)
    changes = tuple(ChangePoint(names[at], directions[at], 2 + at) for at in (0, 3))
    system = change_points.add_changes(system, design, changes)
    assert system.crossing is not None
    assert system.delay_count > 0

    plain = compute_curvature(replace(system, crossing=None))

    np.testing.assert_allclose(compute_curvature(system), plain, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize(("sizes", "contexts"), [((3, 3, 2), ()), ((2, 2), (400,))])
def test_rows_are_multiplied_out_where_that_is_cheaper(
    sizes: tuple[int, ...], contexts: tuple[int, ...]
) -> None:
    design = bandit_worlds.make_design(sizes, contexts)

    assert arrange_cells(design, make_cells(design, 200)).crossing is None
