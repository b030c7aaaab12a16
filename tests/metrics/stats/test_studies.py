"""Small seeded versions of the studies T1, T2, T3, T5 and T7."""

import numpy as np
import pytest

from benchmarks.statistics import (
    amount_arrays,
    arrays,
    broken_rates,
    coverage,
    daily_looks,
    drift,
    guardrail_families,
    one_look,
    rate_tests,
    rates_with_effect,
    report,
    sample_ratio,
    sample_ratio_daily,
)
from levered_site.limits import MAX_HOLDOUT_PERCENTAGE
from metrics.stats import RewardType, Stratum, Totals, lift, minimum_data, score
from metrics.stats.amounts import build_difference_test

ERRORS = 3.5


def test_the_studies_compute_the_same_statistics_as_the_service() -> None:
    rng = np.random.default_rng(7)
    users = rng.integers(2, 3000, (2, 60, 3)).astype(float)
    converted = rng.binomial(users.astype(int), rng.uniform(0, 0.3, (2, 60, 3)))
    squares = converted * rng.uniform(1, 5, (2, 60, 3))
    optimized, holdout = (
        arrays.Arm(users[i], converted[i].astype(float), squares[i]) for i in (0, 1)
    )
    rated = [arrays.build_conversion_arm(users[i], converted[i]) for i in (0, 1)]

    z_rates = arrays.compute_rates_z(rated[0], rated[1], 1.3)
    z_amounts = arrays.compute_amounts_z(optimized, holdout, 1.0)
    z_differences = amount_arrays.compute_difference_z(optimized, holdout, 0.3)
    wide = arrays.compute_anytime_critical(optimized, holdout, 500.0)
    published = [
        arrays.is_published(rated[0], rated[1], "bool"),
        arrays.is_published(optimized, holdout, "numeric"),
    ]

    for run in range(60):
        counts = build_strata(rated[0], rated[1], run)
        amounts = build_strata(optimized, holdout, run)
        assert z_rates[run] == pytest.approx(score.compute_ratio_z(counts, 1.3))
        test = build_difference_test(amounts)
        assert z_amounts[run] == pytest.approx(test.compute_z(0.0))
        assert z_differences[run] == pytest.approx(test.compute_z(0.3))
        for kind, flags, table in (
            ("bool", published[0], counts),
            ("numeric", published[1], amounts),
        ):
            assert flags[run] == (
                minimum_data.explain_missing_inference(table, kind) is None
            )
    assert wide.shape == (60,)


def test_the_studies_reject_where_the_services_anytime_interval_excludes() -> None:
    rng = np.random.default_rng(8)
    users = rng.integers(1, 3000, (2, 80, 2)) // np.array([[[1]], [[9]]]) + 1
    converted = rng.binomial(users, rng.choice([0.0, 0.004, 0.05, 0.3], (2, 80, 2)))
    optimized, holdout = (
        arrays.build_conversion_arm(users[i], converted[i]) for i in (0, 1)
    )
    planned = arrays.compute_planned_information(20_000, 0.1)
    critical = arrays.compute_anytime_critical(optimized, holdout, planned)

    rejected = rate_tests.is_rejected_anytime(
        optimized, holdout, "difference", 0.0, critical
    )
    published, claimed = rate_tests.judge_one_look(optimized, holdout)

    contradictory = 0
    for run in range(80):
        table = build_strata(optimized, holdout, run)
        found = lift.measure_lift(
            table, "bool", expected_users=20_000, holdout_share=0.1
        )
        if found.p_value_anytime is None:
            # Contradictory regimes: nothing is shown, so nothing counts as excluded.
            contradictory += 1
            assert not rejected[run]
            assert not published[run]
            continue
        assert rejected[run] == (found.p_value_anytime < 0.05)
        assert published[run] == (found.p_value is not None)
        if found.p_value is not None:
            assert claimed[run] == (found.p_value < 0.05)
    assert 10 < published.sum() < 75
    assert 0 < contradictory < 10


def test_the_studies_use_the_services_anytime_factor() -> None:
    arms = Totals.from_conversions(9000, 900), Totals.from_conversions(1000, 90)
    optimized, holdout = (
        arrays.Arm(*np.array([[a.users], [a.value_sum], [a.value_sum]])) for a in arms
    )
    planned = arrays.compute_planned_information(20_000, 0.1)

    wide = float(arrays.compute_anytime_critical(optimized, holdout, planned))

    measured = lift.measure_lift([arms], "bool", expected_users=20_000)
    assert measured.difference_ci_anytime == pytest.approx(
        score.compute_difference_interval((arms,), 0.01, wide)
    )


def build_strata(
    optimized: arrays.Arm, holdout: arrays.Arm, run: int
) -> tuple[Stratum, ...]:
    def build_totals(arm: arrays.Arm, k: int) -> Totals:
        users = int(arm.users[run, k])
        return Totals(users, arm.value_sum[run, k], arm.squares[run, k])

    regimes = range(optimized.users.shape[1])
    return tuple(
        (build_totals(optimized, k), build_totals(holdout, k)) for k in regimes
    )


@pytest.mark.parametrize("kind", ["bool", "outcomes"])
def test_t1_one_look_claims_at_most_five_percent(kind: RewardType) -> None:
    worlds = [world for world in one_look.build_grid((kind,)) if world.holdout <= 1_000]
    rows = one_look.run_study(1_500, 1, tuple(worlds))

    published = [row for row in rows if row.published.value > 0.2]
    assert len(published) > 7
    for row in published:
        assert row.claims.value < 0.05 + ERRORS * compute_level_error(row.claims), row


def test_t2_daily_looks_without_an_effect_claim_at_most_five_percent() -> None:
    worlds = daily_looks.WORLDS[1], daily_looks.WORLDS[15], daily_looks.WORLDS[-8]

    rows = daily_looks.run_study(400, 2, worlds)

    for row in rows:
        assert row.ever_anytime.value <= 0.05, row
        assert row.ever_fixed.value > 0.05, row


def test_t2_rates_are_rarely_ever_wrong_at_any_true_effect() -> None:
    worlds = [
        rates_with_effect.World(1000, 0.1, 0.002, 0),
        rates_with_effect.World(1000, 0.05, 0.01, -50),
        rates_with_effect.World(200, 0.5, 0.002, 100),
        rates_with_effect.World(200, 0.05, 0.05, 50, regimes=6),
    ]

    rows = rates_with_effect.run_study(500, 9, tuple(worlds))

    for row in rows:
        for wrong in (row.lift, row.difference):
            assert wrong.value < 0.04 + ERRORS * (0.04 * 0.96 / 500) ** 0.5, row


def test_t7_losses_that_cancel_are_found_by_day_and_equal_arms_raise_no_alarm() -> None:
    worlds = [
        sample_ratio_daily.World(1000, 0.1, regimes=6),
        sample_ratio_daily.World(200, 0.5),
        sample_ratio_daily.World(1000, 0.05, lost=0.5),
    ]

    rows = sample_ratio_daily.run_study(500, 12, tuple(worlds))

    for row in rows[:2]:
        assert row.ever.value < 0.001 + ERRORS * (0.001 / 500) ** 0.5, row
    assert rows[2].by_day_5.value > 0.75
    assert rows[2].total_on_day_10.value < 0.01


def test_t11_families_of_guardrails_raise_few_false_alarms() -> None:
    worlds = [
        guardrail_families.World(5, 0.002, 0.05),
        guardrail_families.World(20, 0.05, 0.5),
    ]

    rows = guardrail_families.run_study(300, 10, tuple(worlds))

    for row in rows:
        assert row.alarms.value < 0.04 + ERRORS * (0.04 * 0.96 / 300) ** 0.5, row


def test_t20_a_rate_that_breaks_down_alarms_within_days() -> None:
    worlds = [
        rates_with_effect.World(1000, share, 0.05, effect)
        for share, effect in ((0.1, -100), (0.05, -100), (0.1, -70), (0.05, -70))
    ]

    rows = broken_rates.run_study(1_000, 11, tuple(worlds))

    limits = (1, 2, 3, 4)
    for row, limit in zip(rows, limits, strict=True):
        assert row.day is not None
        assert row.day <= limit, row
    assert all(row.before is None or row.before > 5 for row in rows)


def test_t3_published_intervals_cover_the_truth() -> None:
    worlds = [w for w in coverage.build_grid(("bool", "numeric")) if w.holdout <= 1000]
    rows = coverage.run_study(1_000, 3, tuple(worlds[::3]))

    published = [row for row in rows if row.published.value > 0.2]
    assert len(published) > 25
    for row in published:
        assert row.covers.value > 0.95 - ERRORS * compute_level_error(row.covers), row
        assert row.above.value < 0.04 + ERRORS * row.above.error, row
        assert row.below.value < 0.04 + ERRORS * row.below.error, row
        assert row.anytime.value > 0.95


def test_t3_published_intervals_cover_the_truth_at_the_largest_holdout() -> None:
    share = MAX_HOLDOUT_PERCENTAGE / 100
    worlds = [
        coverage.World(kind, holdout, share, 0.05, ratio)
        for kind in ("bool", "numeric")
        for holdout in (5_700, 19_000)
        for ratio in coverage.RATIOS
    ]

    rows = coverage.run_study(1_000, 6, tuple(worlds))

    for row in rows:
        assert row.published.value > 0.8, row
        assert row.covers.value > 0.95 - ERRORS * compute_level_error(row.covers), row
        assert row.anytime.value > 0.95


def test_t5_drift_and_a_changed_holdout_do_not_look_like_lift() -> None:
    rows = drift.run_study(600, 4, drift.build_grid())

    for row in rows:
        assert row.wrong.value < 0.05 + ERRORS * compute_level_error(row.wrong), row
        assert abs(row.bias) < 0.3 + 2 * row.bias_error, row
    hard = [r for r in rows if r.world.holdout_changes and r.world.drift == "step"]
    assert all(row.naive_wrong.value > 0.5 for row in hard)


def test_t7_the_sample_ratio_check_finds_only_real_mismatches() -> None:
    balanced = sample_ratio.World(0.5, 0.5, 10_000)
    skewed = sample_ratio.World(0.5, 0.46, 10_000)
    mostly_held_out = sample_ratio.World(0.95, 0.95, 10_000)
    skewed_at_95 = sample_ratio.World(0.95, 0.93, 10_000)

    rows = sample_ratio.run_study(
        1_000, 5, (balanced, mostly_held_out, skewed, skewed_at_95)
    )

    assert all(row.alarms.value <= 0.001 for row in rows[:2])
    assert all(row.alarms.value >= 0.99 for row in rows[2:])


def compute_level_error(share: report.Share) -> float:
    """Return the Monte Carlo error of a share that is 5%."""
    return float(np.sqrt(0.05 * 0.95 / max(share.runs, 1)))
