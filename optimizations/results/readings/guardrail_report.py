"""The guardrails of an optimization as an answer, with the health they add to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from optimizations.models import Optimization
from optimizations.results.health import guardrails, health_judgement
from optimizations.results.health.guardrails import FixedShares, Guardrail
from optimizations.results.health.health import Health
from optimizations.results.health.health_records import HealthRows
from optimizations.results.stored import StoredCubes


@dataclass(frozen=True, slots=True)
class GuardrailList:
    """All guardrails of an optimization, by name."""

    health: Health
    as_of: Annotated[
        datetime | None, "When the warehouse last counted any; each row has its own."
    ]
    guardrails: list[Guardrail]


def build_guardrails(
    optimization: Optimization,
    cubes: StoredCubes | None = None,
    health_rows: HealthRows | None = None,
    fixed_shares: FixedShares | None = None,
) -> GuardrailList:
    """Return every guardrail, judged by the counts of the last refresh.

    `health_rows` and `fixed_shares` are what is stored, if it was read.
    """
    rows = guardrails.judge_guardrails(optimization, cubes, fixed_shares)
    counted = [row.as_of for row in rows if row.as_of is not None]
    return GuardrailList(
        health=health_judgement.judge_guardrails(optimization, rows, health_rows),
        as_of=max(counted, default=None),
        guardrails=rows,
    )
