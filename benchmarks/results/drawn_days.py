"""Random days of the cube: a Poisson number of users for each variant and context."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse.sql.cube.statement import Cell

HOLDOUT_SHARE, CONVERSION_RATE, EXPOSURES = 0.1, 0.05, 1.4


@dataclass(frozen=True, slots=True)
class Traffic:
    """The mean traffic of a day: users over all variants and context cells."""

    variants: int
    contexts: int
    users: float


def draw_cells(
    rng: np.random.Generator, day: date, traffic: Traffic, kind: str
) -> tuple[Cell, ...]:
    """Draw the cells of a day of mature users; a cell without users is left out.

    Later variants convert up to twice as often. The holdout sees variant 1. `kind` is
    the reward type: `bool` or `numeric`.
    """
    shape = traffic.variants, traffic.contexts
    optimized = rng.poisson(traffic.users * (1 - HOLDOUT_SHARE) / np.prod(shape), shape)
    held_out = rng.poisson(
        traffic.users * HOLDOUT_SHARE / traffic.contexts, (1, traffic.contexts)
    )
    return (
        *_draw_arm(rng, day, optimized, kind, holdout=False),
        *_draw_arm(rng, day, held_out, kind, holdout=True),
    )


def _draw_arm(
    rng: np.random.Generator,
    day: date,
    users: NDArray[np.int64],
    kind: str,
    *,
    holdout: bool,
) -> list[Cell]:
    rates = CONVERSION_RATE * (1 + np.arange(len(users)) / max(len(users), 2))
    converted = rng.binomial(users, rates[:, np.newaxis])
    exposures = users + rng.poisson(users * (EXPOSURES - 1))
    cells = []
    for variant, context in np.argwhere(users).tolist():
        index = variant, context
        cells.append(
            Cell(
                regime=1,
                day=day,
                policy_version=0,
                holdout=holdout,
                variant=variant + 1,
                context=context,
                outcome=None,
                mature=True,
                hour=None,
                users=int(users[index]),
                exposures=int(exposures[index]),
                converted=int(converted[index]),
                **_draw_amounts(rng, int(converted[index]), kind),
            )
        )
    return cells


def _draw_amounts(rng: np.random.Generator, payers: int, kind: str) -> dict[str, Any]:
    """Draw what the payers paid; a conversion of a `bool` reward is worth 1."""
    is_numeric = kind == "numeric"
    amounts = rng.lognormal(3, 1, payers) if is_numeric else np.ones(payers)
    logs = np.log(amounts) if is_numeric else np.zeros(0)
    return {
        "value_sum": float(amounts.sum()),
        "value_sum_squares": float((amounts**2).sum()),
        "payers": len(logs),
        "log_sum": float(logs.sum()),
        "log_sum_squares": float((logs**2).sum()),
    }
