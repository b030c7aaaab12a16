"""Sums over crossed rows against the plain product of the rows."""

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


def cells(design: Design, count: int, *, young: bool = False) -> TrainingCells:
    rng = np.random.default_rng(7)
    users = rng.integers(1, 500, count).astype(float)
    stratum = np.sort(rng.integers(0, 6, count))
    return TrainingCells(
        stratum=stratum,
        stratum_time=np.arange(6.0),
        variant=rng.integers(0, design.variants, count),
        context=rng.integers(0, design.segments, count),
        users=users,
        successes=np.floor(users * 0.05),
        maturity=np.where(young & (stratum > 3), rng.random(count), 1.0),
    )


def second(system: RegressionSystem) -> Floats:
    return compute_derivatives(system, np.full(len(system.users), -2.0)).shared


def agrees(design: Design, share: float) -> bool:
    """Whether the sums over a share of all pairs are those of the rows themselves."""
    rng = np.random.default_rng(1)
    every = design.variants * design.segments
    some = np.sort(rng.choice(every, int(share * every), replace=False))
    whose = np.divmod(some, design.segments)
    rows, weight = design.rows(*whose), rng.exponential(100.0, len(some))
    crossed = cross_features(design, *whose)
    assert crossed is not None
    plain = (rows.T * weight) @ rows
    return bool(np.allclose(crossed.compute_gram(weight), plain, rtol=0, atol=1e-8))


@pytest.mark.parametrize(("sizes", "contexts"), CROSSED)
def test_weighted_sums_are_those_of_the_rows_themselves(
    sizes: tuple[int, ...], contexts: tuple[int, ...]
) -> None:
    assert agrees(bandit_worlds.make_design(sizes, contexts), 0.7)


def test_interactions_that_were_left_out_stay_out() -> None:
    design = bandit_worlds.make_design((20, 20), (32, 8))
    assert design.left_out == ("f1 x context c0",)

    assert agrees(design, 0.03)


def test_late_users_and_changes_stand_beside_the_crossed_rows() -> None:
    design = bandit_worlds.make_design((3, 2, 2), (3, 4))
    system = arrange_cells(design, cells(design, 900, young=True))
    names, directions, _ = level_contrasts.build_level_contrasts(design)
    found = tuple(ChangePoint(names[at], directions[at], 2 + at) for at in (0, 3))
    system = change_points.add_changes(system, design, found)
    assert system.crossing is not None
    assert system.late > 0

    plain = second(replace(system, crossing=None))

    np.testing.assert_allclose(second(system), plain, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize(("sizes", "contexts"), [((3, 3, 2), ()), ((2, 2), (400,))])
def test_rows_are_multiplied_out_where_that_is_cheaper(
    sizes: tuple[int, ...], contexts: tuple[int, ...]
) -> None:
    design = bandit_worlds.make_design(sizes, contexts)

    assert arrange_cells(design, cells(design, 200)).crossing is None
