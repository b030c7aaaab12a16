"""The entry point: fit the reward model that suits the kind of cells."""

from dataclasses import dataclass

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Design
from models_app.bandit.regression.fit import FitInfo, fit_posterior
from models_app.bandit.rewards import hurdle, outcomes
from models_app.bandit.rewards.reward_model import FittedReward


@dataclass(frozen=True, slots=True)
class RewardFit:
    """The posterior of a reward, and how the fit went."""

    reward: FittedReward
    info: FitInfo


def fit_reward(design: Design, cells: TrainingCells) -> RewardFit:
    """Fit the model for this kind of cells.

    Plain TrainingCells hold bool rewards and give a Posterior. AmountCells (numeric
    rewards) and OutcomeCells (weighted outcomes) give a RewardPosterior. The fit is
    deterministic.

    Raises ValueError, naming the field, for cells that do not fit the design, and
    NotConvergedError.
    """
    if isinstance(cells, AmountCells):
        return RewardFit(*hurdle.fit_numeric_reward(design, cells))
    if isinstance(cells, OutcomeCells):
        return RewardFit(*outcomes.fit_outcome_reward(design, cells))
    fit = fit_posterior(design, cells)
    return RewardFit(fit.posterior, fit.info)
