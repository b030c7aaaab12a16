"""Notes of a report: what its figures leave out, and immature users."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design
from models_app.bandit.policy import allocation
from models_app.bandit.regression import fit
from models_app.bandit.report import report
from models_app.bandit.report.report import Report
from tests.support import bandit_worlds


def build_report(design: Design, cells: TrainingCells) -> Report:
    """Return the report of a fit and of the policy compiled from it."""
    posterior = fit.fit_posterior(design, cells).posterior
    enabled = np.ones(design.variants, bool)
    compiled_policy = allocation.compile_policy(posterior, enabled, draws=200)
    return report.build_report(
        posterior, compiled_policy, cells, enabled=enabled, holdout_share=0.1, seed=0
    )


def test_a_note_names_an_interaction_that_is_left_out() -> None:
    design = bandit_worlds.make_design((60,), (40,))
    variant = np.arange(60)
    users = np.zeros((design.context_cells, 60))
    users[0, variant] = 100

    figures = build_report(design, bandit_worlds.build_cells([(users, users / 10)]))

    assert design.left_out
    assert figures.notes == (
        f"too many coefficients to learn together; left out: {design.left_out[0]}",
    )


@pytest.mark.parametrize(
    ("maturity", "notes"),
    [([0.9, 0.9], (report.NOTE_IMMATURE,)), ([0.9, 1.0], ()), (None, ())],
)
def test_a_note_says_if_all_users_are_immature(
    maturity: list[float] | None, notes: tuple[str, ...]
) -> None:
    cells = bandit_worlds.build_one_day_cells([(0, 500, 50), (1, 500, 60)])

    immature = replace(cells, maturity=None if maturity is None else np.array(maturity))

    assert build_report(bandit_worlds.make_design((2,)), immature).notes == notes
