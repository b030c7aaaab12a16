"""Guardrails: has a metric that must not suffer, suffered?"""

from typing import Literal

from metrics.stats.lift_result import Direction, Lift
from metrics.stats.normal import ALPHA

GuardrailStatus = Literal["ok", "violated", "pending"]


def judge_guardrail(
    lift: Lift, direction: Direction | None = None, *, family: int = 1
) -> GuardrailStatus:
    """``violated``: harm is shown; ``pending``: too little data; else ``ok``.

    Harm is a change against ``direction`` (default the lift's own) with
    ``p_value_anytime`` of at most 0.05, so a guardrail read every day raises
    a false alarm in at most 5% of harmless optimizations. ``family`` is the
    number of guardrails read together: Bonferroni keeps 5% for all of them.
    ``ok`` says that no harm is shown, not that none is possible: the interval
    beside it says how much could be.
    """
    if family < 1:
        raise ValueError("a family has at least one member")
    p, difference = lift.p_value_anytime, lift.difference
    if p is None or difference is None:
        return "pending"
    wanted = direction or lift.direction
    harmful = difference < 0 if wanted == "increase" else difference > 0
    return "violated" if harmful and p * family <= ALPHA else "ok"
