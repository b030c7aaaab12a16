"""What serving by the policy brought beyond an even split, by the model, also in money."""

from dataclasses import dataclass
from typing import Annotated

from metrics import money
from metrics.models import Metric
from metrics.stats import Interval
from models_app.models import StoredReport
from optimizations.results.readings.worth import NO_CURRENCY, NO_VALUE_PER_CONVERSION
from optimizations.results.reasons import NO_DIFFERENCE, NOT_IN_REPORT, Reasons

FIGURE = "even_split"
NOBODY_SERVED = "no mature user was served a variant by the policy yet"
FIGURES = ("extra", "extra_interval", "amount", "amount_interval")
IN_MONEY = ("amount", "amount_interval")
NAMES = tuple(f"{FIGURE}.{name}" for name in ("users", *FIGURES))


@dataclass(frozen=True, slots=True)
class EvenSplit:
    """What optimized users brought beyond an even split of them, by the model.

    Intervals are 95% credible ones. For a metric that should decrease, less than 0 is
    better.
    """

    users: Annotated[
        int | None, "Mature users of the optimized arm, as of the last training."
    ]
    extra: Annotated[
        float | None,
        "Conversions, or units of the value, beyond those of an even split. Null while "
        "the interval includes 0.",
    ]
    extra_interval: Interval | None
    amount: Annotated[float | None, "The same in `currency`."]
    amount_interval: Interval | None
    currency: Annotated[str | None, "Of the metric; null where it names none."]


def build_nothing(metric: Metric | None) -> EvenSplit:
    """Return figures that are all null, with the currency of the metric."""
    currency = metric.currency if metric else None
    return EvenSplit(None, None, None, None, None, currency)


def build_even_split(
    report: StoredReport, metric: Metric, withheld: str | None
) -> tuple[EvenSplit, Reasons]:
    """Return the figures of a report, with the reason of each that is null.

    `withheld` is why nobody is told, or None.
    """
    unit_value = money.find_unit_value(metric)
    reported = report.get(FIGURE)
    if withheld or not reported:
        missing = NOBODY_SERVED if FIGURE in report else NOT_IN_REPORT
        return build_nothing(metric), dict.fromkeys(NAMES, withheld or missing)
    low, high = reported["extra"]["lo"], reported["extra"]["hi"]
    is_seen = low > 0 or high < 0
    extra = reported["extra"]["mean"] if is_seen else None
    figures = EvenSplit(
        users=round(reported["users"]),
        extra=extra,
        extra_interval=(low, high),
        amount=None if extra is None or unit_value is None else extra * unit_value,
        amount_interval=(
            None if unit_value is None else (low * unit_value, high * unit_value)
        ),
        currency=metric.currency,
    )
    return figures, _explain_nulls(figures, metric)


def _explain_nulls(figures: EvenSplit, metric: Metric) -> Reasons:
    no_money = NO_VALUE_PER_CONVERSION if metric.reward_type == "bool" else NO_CURRENCY
    has_money = figures.amount_interval is not None
    return {
        f"{FIGURE}.{name}": no_money
        if name in IN_MONEY and not has_money
        else NO_DIFFERENCE
        for name in FIGURES
        if getattr(figures, name) is None
    }
