"""Users by day, arm, variant, outcome and context."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from models_app.bandit.design.design import Design
from optimizations.models import Optimization
from optimizations.results import stored
from warehouse.sql.cube.statement import Cell
from warehouse.sql.shapes import FAILURE_OUTCOME

CONVERTED = "__converted__"
MixKey = tuple[date, bool, int, str, int]


@dataclass(frozen=True, slots=True)
class OutcomeWeight:
    """An outcome and what it is worth."""

    key: str
    weight: float


@dataclass(frozen=True, slots=True)
class OutcomeMixRow:
    """Users with the same day, arm, variant, outcome and context."""

    day: date
    in_holdout: bool
    variant: str
    outcome_key: str
    users: int
    context: dict[str, str]


@dataclass(frozen=True, slots=True)
class OutcomeMix:
    """Which outcomes users had."""

    outcomes: list[OutcomeWeight]
    rows: list[OutcomeMixRow]


def build_outcome_mix(optimization: Optimization) -> OutcomeMix:
    """Return users by day, arm, variant, outcome and context, mature or not."""
    cells = stored.load_reward_cube(optimization).cells
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    metric = optimization.reward_metric
    outcomes = [
        OutcomeWeight(outcome["key"], outcome["weight"])
        for outcome in (metric and metric.outcomes) or ()
    ]
    design = optimization.model.design
    rows = [
        OutcomeMixRow(
            day=day,
            in_holdout=in_holdout,
            variant=keys[number],
            outcome_key=outcome,
            users=users,
            context=_describe_context_cell(design, cell_index),
        )
        for (day, in_holdout, number, outcome, cell_index), users in _count_mix(cells)
        if number in keys and users
    ]
    return OutcomeMix(outcomes or [OutcomeWeight(CONVERTED, 1.0)], rows)


def _count_mix(cells: Iterable[Cell]) -> list[tuple[MixKey, int]]:
    users: defaultdict[MixKey, int] = defaultdict(int)
    for cell in cells:
        group = (cell.day, cell.holdout, cell.variant)
        if cell.outcome is not None:
            users[*group, cell.outcome, cell.context] += cell.users
        else:
            users[*group, CONVERTED, cell.context] += cell.converted
            users[*group, FAILURE_OUTCOME, cell.context] += cell.users - cell.converted
    return sorted(users.items())


def _describe_context_cell(design: Design, cell_index: int) -> dict[str, str]:
    level_indices = design.context_levels[cell_index]
    return {
        factor.name: design.level_name(index, int(level_indices[index]))
        for index, factor in enumerate(design.contexts)
    }
