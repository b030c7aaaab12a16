"""A measured lift as results have it, for tests of what is said of it."""

from dataclasses import replace
from typing import Any

from optimizations.results.lift.measured_lift import MeasuredLift


def build_lift(**changes: Any) -> MeasuredLift:
    """Return a lift of +15.8% that is certain at every look, but for the changes."""
    lift = MeasuredLift(
        metric_id=None,
        metric_name="Purchase",
        direction="increase",
        holdout_rate=0.0834,
        optimization_rate=0.0966,
        holdout_exposures=5276,
        optimization_exposures=47224,
        difference=0.0132,
        difference_ci=(0.004, 0.02),
        difference_ci_anytime=(0.0002, 0.025),
        lift_percent=15.8,
        lift_ci=(8.0, 24.0),
        p_value=0.001,
        lift_ci_delta=None,
        lift_ci_anytime=(0.2, 34.0),
        p_value_anytime=0.04,
        companions=None,
        cap=None,
        changed=None,
        regimes=[],
    )
    return replace(lift, **changes)
