"""Small seeded versions of the studies of amounts, and their equality with the service."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.statistics import (
    amount_arrays,
    amount_looks,
    amount_worlds,
    arrays,
    companion_arrays,
    revenue_changed,
)
from benchmarks.statistics.amount_looks import World
from benchmarks.statistics.amount_worlds import Effect, Payments, sum_both
from metrics.stats import Totals, lift
from metrics.stats.companion import COMPANION_ALPHA
from metrics.stats.companions import ArmAmounts, measure_companions
from metrics.stats.normal import compute_two_sided_p
from optimizations.cube import amounts

ERRORS = 3.5


def test_the_studies_compute_the_companions_of_the_service() -> None:
    world = World("lognormal 2", 400, 0.5, Effect(payers=1.2, amounts=1.3), 2)
    payments = amount_looks.draw_arms(np.random.default_rng(3), 20, world, 14)
    caps, _ = amount_worlds.fix_caps(payments)
    capped = sum_both(payments, lambda arm: arm.sum_capped(caps))
    logs = sum_both(payments, Payments.sum_logs)
    payers = sum_both(payments, Payments.count_payers)
    planned = arrays.compute_planned_information(10_000, 0.5)
    z = {
        "capped_revenue": companion_arrays.compute_log_ratio_z(*capped, 1.0),
        "payer_rate": arrays.compute_rates_z(*payers, 1.0),
        "typical_payment": companion_arrays.compute_typical_z(*logs, 1.0),
    }
    wide = arrays.compute_anytime_critical(*payers, planned, COMPANION_ALPHA)

    for run in range(20):
        strata = [
            tuple(
                ArmAmounts(
                    int(payers[arm].users[run, -1, regime]),
                    take_totals(logs[arm], run, regime),
                    take_totals(capped[arm], run, regime),
                )
                for arm in (0, 1)
            )
            for regime in (0, 1)
        ]
        measured = measure_companions([(o, h) for o, h in strata])
        for name, values in z.items():
            companion = getattr(measured, name)
            assert companion.p_value == pytest.approx(
                compute_two_sided_p(values[run, -1]), rel=1e-6
            )
            is_excluded = not (
                companion.lift_ci_anytime[0] <= 0 <= companion.lift_ci_anytime[1]
            )
            # the share of the holdout is the one drawn, not the one configured
            if abs(abs(values[run, -1]) - wide[run, -1]) > 0.05:
                assert is_excluded == (abs(values[run, -1]) > wide[run, -1])


def take_totals(arm: arrays.Arm, run: int, regime: int) -> Totals:
    """Return one run's totals on the last day."""
    place = run, -1, regime
    return Totals(
        int(arm.users[place]), float(arm.value_sum[place]), float(arm.squares[place])
    )


def test_the_studies_hide_the_ends_that_the_service_withholds() -> None:
    world = World("lognormal 2", 300, 0.1, Effect(amounts=2.0))
    payments = amount_looks.draw_arms(np.random.default_rng(4), 60, world, 10)
    optimized, holdout = sum_both(payments, lambda arm: arm.sum_arm(arm.values))
    rewarded = sum_both(payments, Payments.count_rewarded)
    published = amount_arrays.is_published(*rewarded)
    differences = np.linspace(-3, 3, 25)

    shown = 0
    for run in range(60):
        pair = tuple(
            replace(
                take_totals(arm, run, 0), converted=int(counts.value_sum[run, -1, 0])
            )
            for arm, counts in zip((optimized, holdout), rewarded, strict=True)
        )
        measured = lift.measure_lift([(pair[0], pair[1])], "numeric")
        assert published[run, -1] == (measured.p_value is not None)
        if not published[run, -1]:
            continue
        low, high = measured.difference_ci or (None, None)
        shown += low is not None or high is not None
        low, high = (
            (-np.inf if low is None else low),
            (np.inf if high is None else high),
        )
        for difference in differences:
            excluded = amount_arrays.is_difference_excluded(
                optimized, holdout, float(difference), 1.959963984540054
            )
            assert excluded[run, -1] == (not low <= difference <= high)
    assert shown > 30


def test_the_studies_fix_the_cap_as_the_service_does() -> None:
    assert (amounts.CAP_DAYS, amounts.CAP_PAYERS) == (7, 50)
    world = World("lognormal 1", 200, 0.5, Effect())
    payments = amount_looks.draw_arms(np.random.default_rng(5), 5, world, 14)

    caps, fixed = amount_worlds.fix_caps(payments)

    assert set(fixed) == {6}  # ten payers a day: the week is over first
    for run, cap in enumerate(caps):
        first_week = np.concatenate(
            [arm.values[arm.cell // 14 == run][: 14 * 200] for arm in payments]
        )
        days = np.concatenate(
            [arm.cell[arm.cell // 14 == run] % 14 for arm in payments]
        )
        paid = first_week[days < 7]
        assert (paid <= cap).mean() >= 0.8
        assert (paid <= cap / 10**0.25).mean() < 0.8


def test_t2_amounts_are_rarely_wrong_at_any_daily_look_or_true_effect() -> None:
    worlds = (
        World("lognormal 2", 200, 0.5, Effect(amounts=2.0)),
        World("lognormal 2", 200, 0.5, Effect(payers=0.5), 6),
        World("Pareto 1.5", 200, 0.5, Effect(payers=2.0)),
        World("refunds", 200, 0.1, Effect(amounts=0.5)),
    )

    for row in amount_looks.run_study(300, 6, worlds):
        for share in (row.difference, row.lift, row.companions):
            assert share.value <= 0.04 + ERRORS * (0.04 * 0.96 / 300) ** 0.5, row


def test_changed_revenue_is_found_where_the_mean_is_silent() -> None:
    rows = revenue_changed.run_study(600, 7, revenue_changed.WORLDS[:3])

    nothing, amounts_doubled, payers_doubled = rows
    assert nothing.changed.value <= 0.05 + ERRORS * (0.05 * 0.95 / 600) ** 0.5
    assert (
        amounts_doubled.changed.value >= 0.55 - ERRORS * amounts_doubled.changed.error
    )
    assert payers_doubled.changed.value >= 0.95
    assert amounts_doubled.mean.value < 0.05
