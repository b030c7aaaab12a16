"""The measured lift as summaries store it for lists, with the reason of each null."""

from typing import Any

from metrics.stats import Lift

# The figures of a lift that a summary stores, and their names there.
NAMES = {
    "lift_percent": "lift",
    "lift_ci_anytime": "lift_ci_anytime",
    "difference": "difference",
    "difference_ci": "difference_ci",
    "difference_ci_anytime": "difference_ci_anytime",
    "p_value_anytime": "confidence",
}


def build_figures(lift: Lift) -> dict[str, Any]:
    """Return the figures by their names, and `unavailable` with the reasons of nulls."""
    p_value = lift.p_value_anytime
    figures = {name: getattr(lift, figure) for figure, name in NAMES.items()}
    # It holds at all looks together, as the p-value does.
    figures["confidence"] = None if p_value is None else 1 - p_value
    return figures | {"unavailable": _list_reasons(lift)}


def _list_reasons(lift: Lift) -> dict[str, str]:
    """Return the reasons; that of one open end is under `name[0]` or `name[1]`."""
    reasons = {}
    for full_name, reason in lift.unavailable.items():
        figure, bracket, place = full_name.partition("[")
        if figure in NAMES:
            reasons[f"{NAMES[figure]}{bracket}{place}"] = reason
    return reasons
