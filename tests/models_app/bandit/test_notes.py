"""What a report says beside its figures: what they leave out, and what may still come."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit import inference, policy, report
from models_app.bandit.cells import TrainingCells
from models_app.bandit.design import Design
from models_app.bandit.report import Report
from tests.models_app.bandit import worlds


def reported(design: Design, cells: TrainingCells) -> Report:
    """The report of a fit and the policy compiled from it."""
    posterior = inference.fit(design, cells).posterior
    enabled = np.ones(design.variants, bool)
    compiled = policy.compile(posterior, enabled, draws=200)
    return report.of(
        posterior, compiled, cells, enabled=enabled, holdout_share=0.1, seed=0
    )


def test_an_interaction_too_large_to_learn_is_named() -> None:
    design = worlds.design((60,), (40,))
    variant = np.arange(60)
    shown = np.zeros((design.segments, 60))
    shown[0, variant] = 100

    made = reported(design, worlds.cells([(shown, shown / 10)]))

    assert design.left_out
    assert made.notes == (
        f"too many coefficients to learn together; left out: {design.left_out[0]}",
    )


@pytest.mark.parametrize(
    ("maturity", "notes"),
    [([0.9, 0.9], (report.SO_FAR,)), ([0.9, 1.0], ()), (None, ())],
)
def test_rates_so_far_are_called_that(
    maturity: list[float] | None, notes: tuple[str, ...]
) -> None:
    cells = worlds.flat([(0, 500, 50), (1, 500, 60)])

    young = replace(cells, maturity=None if maturity is None else np.array(maturity))

    assert reported(worlds.design((2,)), young).notes == notes
