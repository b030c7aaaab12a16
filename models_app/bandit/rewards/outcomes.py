"""Weighted outcomes: the chance of any outcome, then of each one among those left."""

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
    """Fit one binomial model per outcome, as docs/model.md describes.

    The chance of any outcome weights immature users by their maturity. The chances of
    each outcome are learned from users who had one.

    Raises ValueError, naming the field, for cells that do not fit the design, and
    NotConvergedError.
    """
    value_cells.validate_value_cells(cells, design)
    remaining = cells.successes
    fits = [fit_system(design, arrange_cells(design, cells)).fit]
    for count in cells.counts.T[:-1]:
        stage = TrainingCells(
            cells.stratum,
            cells.stratum_time,
            cells.variant,
            cells.context,
            remaining,
            np.minimum(count, remaining),
        )
        fits.append(fit_system(design, arrange_cells(design, stage)).fit)
        remaining = np.maximum(remaining - count, 0.0)
    names = ("any outcome", *cells.keys[:-1])
    posteriors = tuple(fit.posterior for fit in fits)
    reward = RewardPosterior("outcomes", posteriors, names, weights=cells.weights)
    return reward, _merge_infos(names, [fit.info for fit in fits])


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
