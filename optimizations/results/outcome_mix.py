"""Users by day, arm, variant, outcome and context."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from models_app.bandit.design.design import Design
from optimizations.models import Optimization
from optimizations.results import stored
from warehouse.sql.cube.statement import Cell
from warehouse.sql.shapes import FAILURE_OUTCOME

Json = dict[str, Any]
CONVERTED = "__converted__"
MixKey = tuple[date, bool, int, str, int]


def build_outcome_mix(optimization: Optimization) -> Json:
    """Return users by day, arm, variant, outcome and context, mature or not."""
    cells = stored.load_reward_cube(optimization).cells
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    metric = optimization.reward_metric
    outcomes = [
        {"key": outcome["key"], "weight": outcome["weight"]}
        for outcome in (metric and metric.outcomes) or ()
    ]
    design = optimization.model.design
    return {
        "outcomes": outcomes or [{"key": CONVERTED, "weight": 1.0}],
        "rows": [
            {
                "day": day,
                "in_holdout": holdout,
                "variant": keys[number],
                "outcome_key": outcome,
                "users": users,
                "context": _describe_context(design, context),
            }
            for (day, holdout, number, outcome, context), users in _count_mix(cells)
            if number in keys and users
        ],
    }


def _count_mix(cells: Iterable[Cell]) -> list[tuple[MixKey, int]]:
    found: defaultdict[MixKey, int] = defaultdict(int)
    for cell in cells:
        place = (cell.day, cell.holdout, cell.variant)
        if cell.outcome is not None:
            found[*place, cell.outcome, cell.context] += cell.users
        else:
            found[*place, CONVERTED, cell.context] += cell.converted
            found[*place, FAILURE_OUTCOME, cell.context] += cell.users - cell.converted
    return sorted(found.items())


def _describe_context(design: Design, context: int) -> Json:
    row = design.context_levels[context]
    return {
        factor.name: design.level_name(at, int(row[at]))
        for at, factor in enumerate(design.contexts)
    }
