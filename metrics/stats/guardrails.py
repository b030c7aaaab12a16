"""Guardrails: has a metric that must not get worse become worse?"""

from typing import Literal

from metrics.stats.lift_result import Direction, Lift

GuardrailStatus = Literal["ok", "violated", "pending"]

# Errors of both sides together that all guardrails of a launch share, and that those
# added later share, however many they become: 1/(1·2) + 1/(2·3) + … = 1. Half of the
# errors are false alarms of harm; the other half would announce an improvement.
SHARED_AT_LAUNCH = 0.08
SHARED_LATER = 0.02


def compute_launch_share(guardrails: int) -> float:
    """Return each guardrail's share of the error, of so many at going live.

    Raises ValueError below 1.
    """
    if guardrails < 1:
        raise ValueError("guardrails must be at least 1")
    return SHARED_AT_LAUNCH / guardrails


def compute_later_share(place: int) -> float:
    """Return the share of the error of the first, second, … guardrail added later.

    The shares of those before stay as they are. Raises ValueError for a place below 1.
    """
    if place < 1:
        raise ValueError("place must be at least 1")
    return SHARED_LATER / (place * (place + 1))


def judge_guardrail(
    lift: Lift, share: float, direction: Direction | None = None
) -> GuardrailStatus:
    """Return `violated` if harm is shown, `pending` if data are too few, else `ok`.

    Harm is a change against `direction` (default: the lift's own) with a
    `p_value_anytime` of at most `share`: exactly where the anytime interval at the level
    1 - share excludes zero on the harmful side. The shares of a family add up to 0.10, so
    guardrails that are read every day raise a false alarm of harm in about 5% of
    harmless optimizations at most. Harm is shown from the first user on; `ok` takes the
    data of a planned look, and means that no harm is shown, not that none is possible.
    The interval says how much is. Where no interval can be shown, there is no p-value, and
    the status is `pending`.

    Raises ValueError for a share outside 0 to 1.
    """
    if not 0 < share < 1:
        raise ValueError("share must be between 0 and 1")
    p, difference = lift.p_value_anytime, lift.difference
    if p is None or difference is None:
        return "pending"
    wanted = direction or lift.direction
    is_harmful = difference < 0 if wanted == "increase" else difference > 0
    if is_harmful and p <= share:
        return "violated"
    return "pending" if lift.p_value is None else "ok"
