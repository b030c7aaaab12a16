"""The guardrails of an optimization as an answer, with the health they add to."""

from dataclasses import dataclass

from optimizations.models import Optimization
from optimizations.results import guardrails, health_evidence
from optimizations.results.guardrails import Guardrail
from optimizations.results.health import Health
from optimizations.results.stored import StoredCubes


@dataclass(frozen=True, slots=True)
class Guardrails:
    """All guardrails of an optimization, by name."""

    health: Health
    guardrails: list[Guardrail]


def build_guardrails(
    optimization: Optimization, cubes: StoredCubes | None = None
) -> Guardrails:
    """Return every guardrail, judged by the counts of the last refresh."""
    rows = guardrails.judge_guardrails(optimization, cubes)
    return Guardrails(health_evidence.judge_guardrails(optimization, rows), rows)
