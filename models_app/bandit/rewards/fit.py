"""From cells of any kind to what is believed of their reward."""

from dataclasses import dataclass

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Design
from models_app.bandit.regression import fit as inference
from models_app.bandit.regression.fit import FitInfo
from models_app.bandit.rewards import hurdle, outcomes
from models_app.bandit.rewards.reward_model import Believed


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is believed, and apart from it how it was found."""

    believed: Believed
    info: FitInfo


def fit(design: Design, cells: TrainingCells) -> Learnt:
    """Fit the model that the cells' kind asks for; deterministic.

    Plain TrainingCells are bool rewards and give a Posterior, AmountCells numeric and
    OutcomeCells weighted outcomes, which give a Belief. Raises ValueError naming the
    field for cells that do not fit the design, and inference.NotConverged.
    """
    if isinstance(cells, AmountCells):
        return Learnt(*hurdle.fit(design, cells))
    if isinstance(cells, OutcomeCells):
        return Learnt(*outcomes.fit(design, cells))
    found = inference.fit(design, cells)
    return Learnt(found.posterior, found.info)
