"""The companions of a mean: capped revenue, payer rate, typical payment."""

import math

import numpy as np
import pytest

from metrics.stats import Totals
from metrics.stats.companions import ArmAmounts, Companions, measure_companions
from metrics.stats.normal import compute_critical

LEVEL = 1 - 0.05 / 3


def build_arm(users: int, paid: list[float], cap: float | None = 100.0) -> ArmAmounts:
    logs = [math.log(value) for value in paid if value > 0]
    capped = None
    if cap is not None:
        cut = [max(-cap, min(value, cap)) for value in paid]
        capped = Totals(users, sum(cut), sum(value * value for value in cut))
    return ArmAmounts(users, Totals.from_values(logs), capped)


def draw_payments(seed: int, payers: int, scale: float = 1.0) -> list[float]:
    rng = np.random.default_rng(seed)
    return list(scale * np.exp(rng.normal(3, 1, payers)))


def compare(optimized: ArmAmounts, holdout: ArmAmounts) -> Companions:
    return measure_companions([(optimized, holdout)], expected_users=10_000)


def test_twice_the_payers_move_the_rate_and_not_the_typical_payment() -> None:
    measured = compare(
        build_arm(5000, draw_payments(1, 500)), build_arm(5000, draw_payments(2, 250))
    )

    assert measured.payer_rate.lift_percent == pytest.approx(100)
    assert measured.payer_rate.lift_ci_anytime is not None
    assert measured.payer_rate.lift_ci_anytime[0] > 0
    assert measured.typical_payment.lift_ci is not None
    low, high = measured.typical_payment.lift_ci
    assert low < 0 < high
    assert measured.changed.p_value_anytime is not None
    assert measured.changed.p_value_anytime < 0.001


def test_twice_the_amounts_move_the_typical_payment_and_not_the_rate() -> None:
    measured = compare(
        build_arm(5000, draw_payments(1, 300, 2.0)),
        build_arm(5000, draw_payments(2, 300)),
    )

    assert measured.payer_rate.lift_percent == pytest.approx(0)
    assert measured.payer_rate.p_value == pytest.approx(1)
    assert measured.typical_payment.lift_percent == pytest.approx(100, abs=30)
    assert measured.typical_payment.lift_ci_anytime is not None
    assert measured.typical_payment.lift_ci_anytime[0] > 0


def test_capped_revenue_is_the_delta_method_on_the_logarithm() -> None:
    paid = draw_payments(1, 400), draw_payments(2, 60)
    arms = build_arm(9000, paid[0]), build_arm(1000, paid[1])

    measured = compare(*arms).capped_revenue

    means, errors = [], []
    for values, users in zip(paid, (9000, 1000), strict=True):
        cut = np.concatenate(
            [np.clip(values, -100, 100), np.zeros(users - len(values))]
        )
        means.append(cut.mean())
        errors.append(cut.std(ddof=1) / math.sqrt(users) / cut.mean())
    log_ratio = math.log(means[0] / means[1])
    half = compute_critical(1 - LEVEL) * math.hypot(*errors)
    assert measured.lift_percent == pytest.approx(100 * (means[0] / means[1] - 1))
    assert measured.lift_ci == pytest.approx(
        tuple(100 * (math.exp(log_ratio + side * half) - 1) for side in (-1, 1))
    )
    assert measured.lift_ci_anytime is not None
    assert measured.lift_ci is not None
    assert measured.lift_ci_anytime[0] < measured.lift_ci[0]


def test_one_whale_does_not_move_what_is_capped() -> None:
    holdout = build_arm(1000, draw_payments(2, 60))
    without = compare(build_arm(9000, draw_payments(1, 400)), holdout)
    with_whale = compare(build_arm(9000, [*draw_payments(1, 399), 1e6]), holdout)

    assert without.capped_revenue.lift_percent is not None
    assert with_whale.capped_revenue.lift_percent == pytest.approx(
        without.capped_revenue.lift_percent, abs=2
    )


def test_few_payers_are_withheld_with_the_reason() -> None:
    measured = compare(
        build_arm(5000, draw_payments(1, 300)), build_arm(500, draw_payments(2, 19))
    )

    reason = "the holdout arm has 19 payers; 20 are needed"
    for companion in (measured.capped_revenue, measured.typical_payment):
        assert companion.lift_percent is None
        assert companion.lift_ci_anytime is None
        assert set(companion.reasons.values()) == {reason}
    assert measured.payer_rate.lift_percent is not None
    assert measured.payer_rate.p_value is not None
    assert measured.changed.p_value == pytest.approx(3 * measured.payer_rate.p_value)


def test_without_a_cap_the_others_stay() -> None:
    measured = measure_companions(
        [
            (
                build_arm(5000, draw_payments(1, 300), None),
                build_arm(5000, draw_payments(2, 300), None),
            )
        ],
        no_cap="not yet",
    )

    assert set(measured.capped_revenue.reasons.values()) == {"not yet"}
    assert measured.typical_payment.lift_percent is not None
    assert measured.changed.p_value is not None


def test_one_payer_is_singular() -> None:
    measured = compare(
        build_arm(5000, draw_payments(1, 300)), build_arm(500, draw_payments(2, 1))
    )

    assert measured.typical_payment.reasons["lift_ci"] == (
        "the holdout arm has 1 payer; 20 are needed"
    )


@pytest.mark.parametrize(
    ("optimized", "holdout", "percent"),
    [
        ([11.0] * 500, [10.0] * 500, 10),
        ([2.0] * 500, [1.0] * 500, 100),
        ([1e6 + 5.5, 1e6 + 4.5] * 250, [1e6 + 0.5, 1e6 - 0.5] * 250, 0.0005),
    ],
)
def test_a_spread_that_the_sums_cannot_show_hides_no_change(
    optimized: list[float], holdout: list[float], percent: float
) -> None:
    measured = compare(
        build_arm(len(optimized), optimized, 1e9), build_arm(len(holdout), holdout, 1e9)
    )

    for companion in (measured.capped_revenue, measured.typical_payment):
        assert companion.lift_percent == pytest.approx(percent, rel=1e-6)
        assert companion.lift_ci is not None
        assert 0 < companion.lift_ci[0] <= percent
    assert measured.changed.p_value_anytime is not None
    assert measured.changed.p_value_anytime < 0.05


@pytest.mark.parametrize("cap", [100.0, 10.0])
def test_arms_without_a_difference_are_not_said_to_have_paid_the_same(
    cap: float,
) -> None:
    """Sums cannot tell; with a cap of 10, payments differ above it."""
    paid = [1e6 + 0.5, 1e6 - 0.5] * 250 if cap == 100 else [40.0, 60.0] * 250

    measured = compare(build_arm(500, paid, cap), build_arm(400, paid[:400], cap))

    reason = "the sums of both arms show no difference between"
    assert measured.capped_revenue.lift_percent is None
    assert (
        measured.capped_revenue.reasons["lift_ci"] == f"{reason} users' capped values"
    )
    if cap == 100:
        assert measured.typical_payment.reasons["lift_ci"] == f"{reason} payments"


def test_equal_payments_are_no_change() -> None:
    measured = compare(build_arm(5000, [9.99] * 307), build_arm(5000, [9.99] * 301))

    assert measured.typical_payment.lift_percent is None
    assert measured.changed.p_value is not None
    assert measured.changed.p_value > 0.5


def test_regimes_are_strata() -> None:
    """A doubled base rate and a cut holdout together are no lift."""
    before = (
        build_arm(5000, draw_payments(1, 250)),
        build_arm(5000, draw_payments(2, 250)),
    )
    after = (
        build_arm(9000, draw_payments(3, 900)),
        build_arm(1000, draw_payments(4, 100)),
    )

    measured = measure_companions([before, after])

    assert measured.payer_rate.lift_percent == pytest.approx(0)
    assert measured.changed.p_value is not None
    assert measured.changed.p_value > 0.1


def test_nothing_to_compare_has_a_reason() -> None:
    measured = measure_companions([])

    assert set(measured.payer_rate.reasons.values()) == {
        "no measuring period has mature users in both arms"
    }
    assert measured.changed.p_value is None
