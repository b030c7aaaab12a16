"""Small seeded versions of the studies T1, T2, T3, T5 and T7."""

import numpy as np
import pytest

from benchmarks.statistics import (
    arrays,
    coverage,
    daily_looks,
    drift,
    one_look,
    report,
    sample_ratio,
)
from metrics.stats import RewardType, Stratum, Totals, lift, means, minimum_data, score

ERRORS = 3.5


def test_the_studies_measure_what_the_service_computes() -> None:
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
    wide = arrays.compute_anytime_critical(optimized, holdout, 500.0)
    shown = [
        arrays.is_published(rated[0], rated[1], "bool"),
        arrays.is_published(optimized, holdout, "numeric"),
    ]

    for run in range(60):
        counts = strata(rated[0], rated[1], run)
        amounts = strata(optimized, holdout, run)
        assert z_rates[run] == pytest.approx(score.ratio_z(counts, 1.3))
        spreads = (
            means.compute_separate_spread(amounts),
            means.compute_pooled_spread(amounts),
        )
        z = means.difference_z(means.compute_weighted_means(amounts), spreads)
        assert z_amounts[run] == pytest.approx(z)
        for kind, flags, table in (
            ("bool", shown[0], counts),
            ("numeric", shown[1], amounts),
        ):
            assert flags[run] == (
                minimum_data.explain_missing_inference(table, kind) is None
            )
    assert wide.shape == (60,)


def test_the_anytime_factor_is_the_services_own() -> None:
    arms = Totals.from_conversions(9000, 900), Totals.from_conversions(1000, 90)
    one = [
        arrays.Arm(*np.array([[a.users], [a.value_sum], [a.value_sum]])) for a in arms
    ]
    planned = arrays.compute_planned_information(20_000, 0.1)

    wide = float(arrays.compute_anytime_critical(one[0], one[1], planned))

    found = lift.measure_lift([arms], "bool", expected_users=20_000)
    assert found.difference_ci_anytime == pytest.approx(
        score.difference_interval((arms,), 0.01, wide)
    )


def strata(optimized: arrays.Arm, holdout: arrays.Arm, run: int) -> tuple[Stratum, ...]:
    def arm(of: arrays.Arm, k: int) -> Totals:
        return Totals(int(of.users[run, k]), of.value_sum[run, k], of.squares[run, k])

    return tuple((arm(optimized, k), arm(holdout, k)) for k in range(3))


@pytest.mark.parametrize("kind", ["bool", "outcomes"])
def test_t1_nothing_is_claimed_too_often_in_one_look(kind: RewardType) -> None:
    some = [world for world in one_look.build_grid((kind,)) if world.holdout <= 1_000]
    rows = one_look.run_study(1_500, 1, tuple(some))

    published = [row for row in rows if row.published.value > 0.2]
    assert len(published) > 7
    for row in published:
        assert row.claims.value < 0.05 + ERRORS * at_level(row.claims), row


def test_t2_daily_looks_at_nothing_stay_below_five_percent() -> None:
    worlds = daily_looks.WORLDS[1], daily_looks.WORLDS[15], daily_looks.WORLDS[-8]

    rows = daily_looks.run_study(400, 2, worlds)

    for row in rows:
        assert row.ever_anytime.value <= 0.05, row
        assert row.ever_fixed.value > 0.05, row


def test_t3_intervals_cover_where_published() -> None:
    some = [w for w in coverage.build_grid(("bool", "numeric")) if w.holdout <= 1000]
    rows = coverage.run_study(1_000, 3, tuple(some[::3]))

    published = [row for row in rows if row.published.value > 0.2]
    assert len(published) > 25
    for row in published:
        assert row.covers.value > 0.95 - ERRORS * at_level(row.covers), row
        assert row.above.value < 0.04 + ERRORS * row.above.error, row
        assert row.below.value < 0.04 + ERRORS * row.below.error, row
        assert row.anytime.value > 0.95


def test_t5_drift_and_a_changed_holdout_are_no_lift() -> None:
    rows = drift.run_study(600, 4, drift.build_grid())

    for row in rows:
        assert row.wrong.value < 0.05 + ERRORS * at_level(row.wrong), row
        assert abs(row.bias) < 0.3 + 2 * row.bias_error, row
    fooled = [r for r in rows if r.world.holdout_changes and r.world.drift == "step"]
    assert all(row.naive_wrong.value > 0.5 for row in fooled)


def test_t7_the_sample_ratio_is_quiet_and_quick() -> None:
    balanced = sample_ratio.World(0.5, 0.5, 10_000)
    skewed = sample_ratio.World(0.5, 0.46, 10_000)

    quiet, loud = sample_ratio.run_study(1_000, 5, (balanced, skewed))

    assert quiet.alarms.value <= 0.001
    assert loud.alarms.value >= 0.99


def at_level(found: report.Share) -> float:
    """Monte Carlo error of a share that is 5%."""
    return float(np.sqrt(0.05 * 0.95 / max(found.runs, 1)))
