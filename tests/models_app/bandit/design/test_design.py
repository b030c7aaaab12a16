"""Variants, context cells and features of a design."""

import numpy as np
import pytest

from models_app.bandit.design.design import Design, Factor, build_contrasts
from tests.support import bandit_worlds


def test_variants_are_row_major_and_the_last_factor_varies_fastest() -> None:
    design = bandit_worlds.make_design((2, 3))

    levels = design.variant_levels

    assert levels.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


def test_a_context_has_two_more_levels_for_other_and_missing() -> None:
    design = bandit_worlds.make_design((2,), (3, 1))

    names = [design.level_name(0, level) for level in range(5)]

    assert design.context_cells == 5 * 3
    assert names == ["c0.0", "c0.1", "c0.2", "other", "missing"]


def test_a_level_named_other_differs_from_any_other_value() -> None:
    plan = Factor("plan", ("free", "other"))
    source = Factor("source", ("missing", "(missing)"))
    design = Design((Factor("a", ("x", "y")),), (plan, source))

    plans = [design.level_name(0, level) for level in range(4)]
    sources = [design.level_name(1, level) for level in range(4)]

    assert plans == ["free", "other", "(other)", "missing"]
    assert sources == ["missing", "(missing)", "other", "((missing))"]


def test_features_span_the_same_models_as_one_hot_against_the_baseline() -> None:
    design = bandit_worlds.make_design((2, 3), (2,))
    cell_index, variant = np.divmod(np.arange(design.context_cells * 6), 6)

    rows = design.rows(variant, cell_index)

    one_hot = _one_hot_against_the_baseline(design, variant, cell_index)
    both = np.concatenate([np.ones((len(rows), 1)), rows, one_hot], axis=1)
    assert rows.shape[1] == one_hot.shape[1] == 1 + 2 + 2 + 3 + 3 + 6
    assert np.linalg.matrix_rank(rows) == rows.shape[1]
    assert np.linalg.matrix_rank(both) == rows.shape[1] + 1


def test_every_level_of_a_factor_has_the_same_prior() -> None:
    basis = build_contrasts(5)

    spread = basis @ basis.T

    assert np.allclose(spread, np.eye(5) - 1 / 5)


def test_interactions_too_large_to_estimate_are_left_out_and_named() -> None:
    design = bandit_worlds.make_design((50, 2), (48,))

    names = {term.name for term in design.terms}

    assert design.left_out == ("f0 x context c0",)
    assert {"f0", "f1", "f0 x f1", "context c0", "f1 x context c0"} == names


@pytest.mark.parametrize(
    ("factors", "field"),
    [
        ((Factor("a", ()),), "levels of a"),
        ((Factor("a", ("x", "x")),), "levels of a"),
        ((Factor("a", ("x",)), Factor("a", ("y",))), "factors"),
    ],
)
def test_impossible_factors_are_refused_by_name(
    factors: tuple[Factor, ...], field: str
) -> None:
    with pytest.raises(ValueError, match=field):
        Design(factors)


def _one_hot_against_the_baseline(
    design: Design, variant: np.ndarray, cell_index: np.ndarray
) -> np.ndarray:
    levels = design.variant_levels[variant]
    context = design.context_levels[cell_index]
    a = levels[:, :1] == np.arange(1, 2)
    b = levels[:, 1:2] == np.arange(1, 3)
    c = context[:, :1] == np.arange(1, 4)

    def cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray((x[:, :, None] & y[:, None, :]).reshape(len(x), -1))

    blocks = [a, b, cross(a, b), c, cross(a, c), cross(b, c)]
    return np.concatenate(blocks, axis=1).astype(float)
