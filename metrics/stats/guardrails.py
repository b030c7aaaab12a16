"""Guardrails: has a metric that must not get worse become worse?"""

from typing import Literal

from metrics.stats.lift_result import Direction, Lift
from metrics.stats.normal import ALPHA

GuardrailStatus = Literal["ok", "violated", "pending"]


def judge_guardrail(
    lift: Lift, direction: Direction | None = None, *, family: int = 1
) -> GuardrailStatus:
    """Return `violated` if harm is shown, `pending` if data are too few, else `ok`.

    Harm is a change against `direction` (default: the lift's own) with a
    `p_value_anytime` of at most 0.05. So a guardrail that is read every day raises a
    false alarm in at most 5% of harmless optimizations. `family` is the number of
    guardrails read together: Bonferroni's correction keeps 5% for all of them. `ok`
    means that no harm is shown, not that none is possible; the interval says how much
    is.

    Raises ValueError for a family below 1.
    """
    if family < 1:
        raise ValueError("family must be at least 1")
    p, difference = lift.p_value_anytime, lift.difference
    if p is None or difference is None:
        return "pending"
    wanted = direction or lift.direction
    is_harmful = difference < 0 if wanted == "increase" else difference > 0
    return "violated" if is_harmful and p * family <= ALPHA else "ok"
