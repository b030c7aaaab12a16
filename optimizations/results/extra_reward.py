"""What the optimized users brought beyond the holdout's mean, all together. Pure."""

from dataclasses import dataclass

from metrics.stats.means import OpenInterval
from optimizations.results.measured_lift import RESULT_NAME, MeasuredLift
from optimizations.results.reasons import Reasons


@dataclass(frozen=True, slots=True)
class ExtraReward:
    """The measured difference per user, for all optimized users who are compared.

    In conversions, or in units of the value. `interval` holds at any number of looks
    together, as that of the difference does: the number of users is known. `missing` is
    why there is no value, `no_interval` why there is no interval.
    """

    users: int
    value: float | None
    interval: OpenInterval | None
    missing: str = ""
    no_interval: str = ""


def compute_extra_reward(measured: MeasuredLift, reasons: Reasons) -> ExtraReward:
    """Return the difference of `measured` times its optimized users.

    Over several regimes it is the mean difference that the lift has, see
    metrics.stats.lift.measure_lift. `reasons` are those of the results.
    """
    users = measured.optimization_exposures
    if measured.difference is None:
        missing = reasons.get(f"{RESULT_NAME}.difference", "")
        return ExtraReward(users, None, None, missing, missing)
    limits = measured.difference_ci_anytime
    if limits is None:
        no_interval = reasons.get(f"{RESULT_NAME}.difference_ci_anytime", "")
        return ExtraReward(
            users, users * measured.difference, None, no_interval=no_interval
        )
    low, high = (None if end is None else users * end for end in limits)
    return ExtraReward(users, users * measured.difference, (low, high))
