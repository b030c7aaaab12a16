"""From cells of any kind to what is believed of their reward."""

from dataclasses import dataclass

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Design
from models_app.bandit.regression.fit import FitInfo, fit_posterior
from models_app.bandit.rewards import hurdle, outcomes
from models_app.bandit.rewards.reward_model import FittedReward


@dataclass(frozen=True, slots=True)
class RewardFit:
    """What is believed, and apart from it how it was found."""

    reward: FittedReward
    info: FitInfo


def fit_reward(design: Design, cells: TrainingCells) -> RewardFit:
    """Fit the model that the cells' kind asks for; deterministic.

    Plain TrainingCells are bool rewards and give a Posterior, AmountCells numeric and
    OutcomeCells weighted outcomes, which give a Belief. Raises ValueError naming the
    field for cells that do not fit the design, and inference.NotConverged.
    """
    if isinstance(cells, AmountCells):
        return RewardFit(*hurdle.fit_numeric_reward(design, cells))
    if isinstance(cells, OutcomeCells):
        return RewardFit(*outcomes.fit_outcome_reward(design, cells))
    found = fit_posterior(design, cells)
    return RewardFit(found.posterior, found.info)
