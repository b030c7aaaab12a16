"""Weighted outcomes: the chance of any, then of each among those left, one by one."""

import numpy as np

from models_app.bandit.data import value_cells
from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import OutcomeCells
from models_app.bandit.design.design import Design
from models_app.bandit.regression.fit import FitInfo, fit_system
from models_app.bandit.regression.likelihood import arrange_cells
from models_app.bandit.rewards.reward_model import RewardPosterior


def fit_outcome_reward(
    design: Design, cells: OutcomeCells
) -> tuple[RewardPosterior, FitInfo]:
    """Fit one binomial model per outcome, as docs/model.md says.

    The chance of any outcome weighs immature users by their maturity; which outcome it
    was is asked of those who had one. Raises ValueError naming the field for cells that
    do not fit the design, and inference.NotConverged.
    """
    value_cells.validate_value_cells(cells, design)
    left = cells.successes
    fits = [fit_system(design, arrange_cells(design, cells)).fit]
    for count in cells.counts.T[:-1]:
        stage = TrainingCells(
            cells.stratum,
            cells.stratum_time,
            cells.variant,
            cells.context,
            left,
            np.minimum(count, left),
        )
        fits.append(fit_system(design, arrange_cells(design, stage)).fit)
        left = np.maximum(left - count, 0.0)
    names = ("any outcome", *cells.keys[:-1])
    belief = RewardPosterior(
        "outcomes", tuple(fit.posterior for fit in fits), names, weights=cells.weights
    )
    return belief, _merge_infos(names, [fit.info for fit in fits])


def _merge_infos(names: tuple[str, ...], infos: list[FitInfo]) -> FitInfo:
    return FitInfo(
        converged=True,
        iterations=sum(info.iterations for info in infos),
        prior_scales={
            f"{name}: {group}": sd
            for name, info in zip(names, infos, strict=True)
            for group, sd in info.prior_scales.items()
        },
        log_evidence=sum(info.log_evidence for info in infos),
        left_out=infos[0].left_out,
    )
