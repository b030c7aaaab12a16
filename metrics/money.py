"""What rewards are worth in money, for pages: conversions and amounts as sums."""

from dataclasses import dataclass

from metrics import currencies
from metrics.models import Metric
from metrics.stats.means import OpenInterval


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with the interval of the figure that it was made of.

    An end of the interval is None where the data do not bound it; `currency` is None
    where the metric has none.
    """

    amount: float
    interval: OpenInterval | None
    currency: str | None

    def format_amount(self, *, signed: bool = False) -> str:
        """Return the amount as `€12,350`."""
        return currencies.format_amount(self.amount, self.currency, signed=signed)

    def format_interval(self, *, signed: bool = False) -> str:
        """Return the interval in words, such as `between €200 and €2,300`; or ""."""
        if self.interval is None:
            return ""
        low, high = (
            None
            if end is None
            else currencies.format_amount(end, self.currency, signed=signed)
            for end in self.interval
        )
        if low is None:
            return "" if high is None else f"at most {high}"
        return f"at least {low}" if high is None else f"between {low} and {high}"


def find_unit_value(metric: Metric) -> float | None:
    """Return what one unit of the metric's reward is worth in money, None if unknown.

    A conversion is worth its `value_per_conversion`. Amounts and weights of outcomes are
    money already where the metric names their currency.
    """
    if metric.reward_type == "bool":
        return metric.value_per_conversion
    return None if metric.currency is None else 1.0


def convert_to_money(
    metric: Metric, figure: float | None, interval: OpenInterval | None = None
) -> Money | None:
    """Return a figure of the metric's reward, such as extra conversions so far, in money.

    The interval keeps its meaning: a unit is worth the same at both ends. None where the
    figure is withheld, or nobody has said what a unit is worth.
    """
    unit_value = find_unit_value(metric)
    if figure is None or unit_value is None:
        return None
    return Money(
        amount=figure * unit_value,
        interval=_scale(interval, unit_value),
        currency=metric.currency,
    )


def _scale(interval: OpenInterval | None, factor: float) -> OpenInterval | None:
    if interval is None:
        return None
    low, high = (None if end is None else end * factor for end in interval)
    return low, high
