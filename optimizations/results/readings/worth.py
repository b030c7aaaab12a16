"""What the optimized users brought beyond the holdout's mean, also in money."""

from dataclasses import dataclass
from typing import Annotated

from metrics import money
from metrics.models import Metric
from metrics.stats.means import OpenInterval
from optimizations.results.lift.measured_lift import (
    OPEN_NOTE,
    RESULT_NAME,
    MeasuredLift,
)
from optimizations.results.reasons import Reasons

NO_METRIC = "no reward metric is set"
NO_VALUE_PER_CONVERSION = (
    "the metric does not say what a conversion is worth: set its value_per_conversion"
)
NO_CURRENCY = (
    "the metric does not say in which currency its values are: set its currency"
)
# Each figure, and that of the measured lift which it is made of.
SOURCES = {"extra": "difference", "extra_ci_anytime": "difference_ci_anytime"}
IN_MONEY = {"amount": "extra", "amount_ci_anytime": "extra_ci_anytime"}


@dataclass(frozen=True, slots=True)
class Worth:
    """The measured difference per user, for all optimized users who are compared.

    Intervals hold at any number of looks together.
    """

    users: Annotated[int, "Optimized users of the measured lift."]
    extra: Annotated[
        float | None, "Conversions, or units of the value, beyond the holdout's mean."
    ]
    extra_ci_anytime: Annotated[OpenInterval | None, OPEN_NOTE]
    amount: Annotated[float | None, "The same in `currency`."]
    amount_ci_anytime: Annotated[OpenInterval | None, OPEN_NOTE]
    currency: Annotated[str | None, "Of the metric; null where it names none."]
    unavailable: Annotated[dict[str, str], "Why a figure is null."]


def build_worth(
    metric: Metric | None, measured: MeasuredLift, reasons: Reasons
) -> Worth:
    """Return the measured difference times the optimized users, also in money.

    `reasons` are those of the measured lift. Over several regimes it is the mean
    difference that the lift has.
    """
    users = measured.optimization_exposures
    extra = None if measured.difference is None else users * measured.difference
    limits = measured.difference_ci_anytime
    interval = None if limits is None else _multiply(limits, users)
    worth = metric and money.convert_to_money(metric, extra, interval)
    figures = {
        "extra": extra,
        "extra_ci_anytime": interval,
        "amount": worth.amount if worth else None,
        "amount_ci_anytime": worth.interval if worth else None,
    }
    return Worth(
        users=users,
        extra=extra,
        extra_ci_anytime=interval,
        amount=worth.amount if worth else None,
        amount_ci_anytime=worth.interval if worth else None,
        currency=metric.currency if metric else None,
        unavailable={
            name: _explain_null(name, metric, reasons)
            for name, figure in figures.items()
            if figure is None
        },
    )


def _multiply(limits: OpenInterval, users: int) -> OpenInterval:
    low, high = (None if end is None else users * end for end in limits)
    return low, high


def _explain_null(name: str, metric: Metric | None, reasons: Reasons) -> str:
    if metric is None:
        return NO_METRIC
    if name in IN_MONEY and money.find_unit_value(metric) is None:
        is_bool = metric.reward_type == "bool"
        return NO_VALUE_PER_CONVERSION if is_bool else NO_CURRENCY
    source = SOURCES[IN_MONEY.get(name, name)]
    return reasons.get(f"{RESULT_NAME}.{source}", "")
