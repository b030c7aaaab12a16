"""The companions of the measured lift of amounts: what a mean of revenue cannot show."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from metrics.models import Metric
from metrics.stats import Interval, companions
from metrics.stats.companion import COMPANION_LEVEL, Companion
from optimizations.cube import amount_caps, amounts
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.lift.anytime_tuning import Tuning
from optimizations.results.reasons import Reasons

NOT_NUMERIC = "only metrics with amounts (numeric) have companions"
NO_CAP_YET = (
    f"the cap is fixed once {amounts.CAP_DAYS} days are over, their users mature, and at "
    f"least {amounts.CAP_PAYERS} users have paid"
)
NO_BUCKETS = (
    "{days} days were counted before this figure existed, without the sums that it needs; "
    "“Count now” (?refresh=true) counts those whose events are still there"
)
NO_CLAIM = "no companion has figures yet"


@dataclass(frozen=True, slots=True)
class CompanionResult:
    """A ratio of the arms in percent, at the level that three figures share."""

    lift_percent: float | None
    lift_ci: Annotated[Interval | None, "At `level`, for one look."]
    lift_ci_anytime: Annotated[Interval | None, "At `level`, for all looks together."]
    level: float


@dataclass(frozen=True, slots=True)
class CompanionResults:
    """Three figures beside the mean of amounts, which one large payment can hide."""

    capped_revenue: Annotated[
        CompanionResult, "Per user, counting at most `cap` of each."
    ]
    payer_rate: Annotated[CompanionResult, "Share of users who paid, net of refunds."]
    typical_payment: Annotated[
        CompanionResult,
        "Geometric mean of what payers paid. Where the payer rate moved, they may be other "
        "people.",
    ]


@dataclass(frozen=True, slots=True)
class RevenueChange:
    """Whether revenue has changed: any of the three companions, at a third of the error."""

    p_value: Annotated[float | None, "For one look."]
    p_value_anytime: Annotated[float | None, "For all looks together."]


@dataclass(frozen=True, slots=True)
class MeasuredAmounts:
    """The companions, their cap, their common claim, and a reason for every null."""

    companions: CompanionResults | None = None
    cap: float | None = None
    changed: RevenueChange | None = None
    unavailable: Reasons = field(
        default_factory=lambda: dict.fromkeys(
            ("companions", "cap", "changed"), NOT_NUMERIC
        )
    )


def measure_amounts(
    optimization: Optimization,
    metric: Metric | None,
    cube: ObservationCube,
    tuning: Tuning,
) -> MeasuredAmounts:
    """Compare what the arms paid; without figures unless the metric is numeric."""
    if metric is None or metric.reward_type != "numeric":
        return MeasuredAmounts()
    cap = amount_caps.load_cap(optimization, metric)
    missing = amounts.count_days_without_buckets(cube.days)
    no_cap = NO_BUCKETS.format(days=missing) if missing else NO_CAP_YET
    measured = companions.measure_companions(
        amounts.build_strata(
            cube.arrays, cube.payments, cube.days, None if missing else cap
        ),
        expected_users=tuning.expected_users,
        holdout_share=tuning.holdout_share,
        no_cap=no_cap,
    )
    results = CompanionResults(
        _build_result(measured.capped_revenue),
        _build_result(measured.payer_rate),
        _build_result(measured.typical_payment),
    )
    changed = RevenueChange(measured.changed.p_value, measured.changed.p_value_anytime)
    return MeasuredAmounts(
        results,
        cap,
        changed,
        dict(_explain_nulls(measured)) | ({} if cap else {"cap": no_cap}),
    )


def _build_result(companion: Companion) -> CompanionResult:
    return CompanionResult(
        companion.lift_percent,
        companion.lift_ci,
        companion.lift_ci_anytime,
        COMPANION_LEVEL,
    )


def _explain_nulls(measured: companions.Companions) -> Iterator[tuple[str, str]]:
    for name in ("capped_revenue", "payer_rate", "typical_payment"):
        for figure, reason in getattr(measured, name).reasons.items():
            yield f"companions.{name}.{figure}", reason
    if measured.changed.p_value is None:
        for figure in ("p_value", "p_value_anytime"):
            yield f"changed.{figure}", NO_CLAIM
