"""Baseline, maturity, crossover, arm mismatch, guardrails, daily series, totals."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from metrics import stats
from metrics.stats import (
    Totals,
    check_arm_mismatch,
    check_baseline,
    check_crossover,
    check_maturity,
    check_one_id,
    judge_guardrail,
    lift,
)

HOLDOUT = Totals.from_conversions(10_000, 500)


def test_a_baseline_near_the_holdout_passes() -> None:
    check = check_baseline(0.051, (0.049, 0.053), HOLDOUT, "bool")

    se = math.hypot(0.004 / 2 / 1.959964, math.sqrt(0.051 * 0.949 / 10_000))
    assert check.ok is True
    assert check.z == pytest.approx(0.001 / se, rel=1e-6)
    assert check.reason is None


def test_a_baseline_far_from_the_holdout_fails_with_a_reason() -> None:
    check = check_baseline(0.07, (0.069, 0.071), HOLDOUT, "bool")

    assert check.ok is False
    assert check.z is not None
    assert check.z > 3
    assert (
        check.reason
        == "the model's baseline does not reproduce the recent holdout mean"
    )


@pytest.mark.parametrize(
    ("holdout", "reason"),
    [
        (
            Totals.from_conversions(0, 0),
            "the recent holdout has 0 users; 100 are needed",
        ),
        (
            Totals.from_conversions(150, 4),
            (
                "the recent holdout has fewer than 5 conversions, and the model expects "
                "fewer than 10"
            ),
        ),
    ],
)
def test_a_small_holdout_cannot_check_the_baseline(
    holdout: Totals, reason: str
) -> None:
    check = check_baseline(0.05, (0.04, 0.06), holdout, "bool")

    assert check.ok is None
    assert check.z is None
    assert check.reason == reason


def test_a_holdout_that_lost_its_conversions_fails_by_what_the_model_expects() -> None:
    check = check_baseline(0.1, (0.08, 0.12), Totals.from_conversions(249, 0), "bool")

    assert check.ok is False
    assert check.z is not None
    assert check.z > 3


@pytest.mark.parametrize(
    "amounts", [[38.0] * 200, [5.0, 20.0, 20.0, 107.0] * 50], ids=["alike", "skewed"]
)
@pytest.mark.parametrize("rewarded", [0, 4])
def test_a_holdout_that_lost_its_payments_fails_by_the_payers_that_are_expected(
    amounts: list[float], rewarded: int
) -> None:
    holdout = Totals.from_values([38.0] * rewarded + [0.0] * (1019 - rewarded))
    rewards = Totals.from_values(amounts + [0.0] * 800)

    lost = check_baseline(7.62, (6.0, 9.2), holdout, "numeric", rewards)
    unknown = check_baseline(7.62, (6.0, 9.2), holdout, "numeric")

    assert lost.ok is False
    assert lost.z is not None
    assert lost.z > 3
    assert unknown.ok is None


def test_skewed_amounts_of_few_payers_raise_no_alarm() -> None:
    rng = np.random.default_rng(5)
    checks = []
    for _ in range(200):
        amounts = rng.lognormal(2, 2, 6000) * (rng.random(6000) < 0.011)
        trained, holdout = map(Totals.from_values, (amounts[1000:], amounts[:1000]))
        margin = 1.96 * trained.standard_error
        interval = (trained.mean - margin, trained.mean + margin)
        if holdout.converted_at_least < 5:
            checks.append(
                check_baseline(trained.mean, interval, holdout, "numeric", trained)
            )

    assert checks
    assert all(check.ok is not False for check in checks)


def test_rewards_that_cancel_cannot_tell_how_many_are_expected() -> None:
    rewards = Totals.from_values([10.0, -9.9] * 100 + [0.0] * 800)

    check = check_baseline(
        0.01, (-0.1, 0.1), Totals(500, 0.0, 0.0, 0), "outcomes", rewards
    )

    assert check.ok is None
    assert check.reason is not None
    assert "too few rewards" in check.reason


def test_a_holdout_of_few_conversions_passes_where_the_model_expects_few() -> None:
    check = check_baseline(
        0.01, (0.005, 0.015), Totals.from_conversions(1000, 4), "bool"
    )

    assert check.ok is True


def test_a_certain_model_of_a_constant_holdout_must_be_exact() -> None:
    holdout = Totals(200, 200.0, 200.0, 200)

    exact = check_baseline(1.0, (1.0, 1.0), holdout, "numeric")
    wrong = check_baseline(1.5, (1.5, 1.5), holdout, "numeric")

    assert exact.ok is True
    assert wrong.ok is False
    assert wrong.z is None


def test_shares_are_compared_with_their_limits() -> None:
    assert check_maturity(60, 100).ok is True
    assert check_maturity(40, 100).reason == "40% of users are mature so far"
    assert check_crossover(5, 100).ok is True
    assert check_crossover(6, 100).ok is False
    assert check_arm_mismatch(2, 100).reason == (
        "2% of users were logged with an arm that they were not assigned"
    )
    assert check_maturity(0, 0).ok is None
    assert check_maturity(0, 0).reason == "no users yet"


def test_one_id_fails_above_its_share_and_never_by_a_few_exposures() -> None:
    assert check_one_id(100, 2000).ok is True
    assert check_one_id(101, 2000).ok is False
    assert check_one_id(19, 100).ok is True
    assert check_one_id(20, 100).reason == (
        "20% of the latest exposures have the same anonymous_id"
    )
    assert check_one_id(99, 99).ok is None


def test_a_guardrail_is_violated_by_harm_only() -> None:
    drop = lift.measure_lift(
        [(Totals.from_conversions(9000, 400), Totals.from_conversions(9000, 600))],
        "bool",
    )
    few_users = lift.measure_lift(
        [(Totals.from_conversions(90, 40), Totals.from_conversions(90, 60))], "bool"
    )

    assert judge_guardrail(drop, 0.05) == "violated"
    assert judge_guardrail(drop, 0.05, "decrease") == "ok"
    assert judge_guardrail(few_users, 0.05) == "pending"


def test_a_guardrail_with_a_small_share_needs_more_evidence() -> None:
    slight = lift.measure_lift(
        [(Totals.from_conversions(9000, 520), Totals.from_conversions(9000, 640))],
        "bool",
        expected_users=18_000,
    )

    assert slight.p_value_anytime is not None
    assert 0.0005 < slight.p_value_anytime < 0.05
    assert judge_guardrail(slight, 0.05) == "violated"
    assert judge_guardrail(slight, 0.0005) == "ok"
    with pytest.raises(ValueError, match="between 0 and 1"):
        judge_guardrail(slight, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        (-1, 0.0, 0.0),
        (1, math.nan, 1.0),
        (1, 1.0, math.inf),
        (1, 1.0, -1.0),
        (0, 1.0, 1.0),
        (5, 1.0, 1.0, 6),
    ],
)
def test_impossible_totals_are_rejected(arguments: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match=r"users|finite|squares"):
        Totals(*arguments)


def test_totals_add_up() -> None:
    values = [0.0, 2.5, -1.0, 0.0, 7.0]

    all_totals = Totals.from_values(values)
    parts = Totals.from_values(values[:2]) + Totals.from_values(values[2:])

    assert all_totals == parts
    assert all_totals.converted == 3
    assert all_totals.mean == pytest.approx(1.7)
    assert all_totals.squared_deviations == pytest.approx(41.8)


def test_an_unknown_number_of_payers_has_a_lower_bound() -> None:
    amounts = [3.0, 1.0, 10.0, 0.0, 0.0]
    totals_of_known_payers = Totals.from_values(amounts)

    totals_of_unknown_payers = Totals(
        totals_of_known_payers.users,
        totals_of_known_payers.value_sum,
        totals_of_known_payers.value_sum_squares,
    )

    assert totals_of_unknown_payers.converted_at_least == pytest.approx(14**2 / 110)
    assert (
        totals_of_unknown_payers.converted_at_least
        <= totals_of_known_payers.converted_at_least
    )


@pytest.mark.parametrize(
    ("check", "largest_ok"),
    [
        (stats.check_unknown_variant, 20),
        (stats.check_unknown_context, 50),
        (stats.check_disabled_variant, 50),
        (stats.check_unknown_version, 50),
        (stats.check_uncounted_exposures, 50),
    ],
)
def test_a_few_percent_of_what_is_not_configured_are_ok(
    check: Callable[[int, int], stats.ShareCheck], largest_ok: int
) -> None:
    checks = [check(part, 1000) for part in (0, largest_ok, largest_ok + 1)]

    assert [each.ok for each in checks] == [True, True, False]
    assert [each.reason is None for each in checks] == [True, True, False]
    assert check(0, 0).ok is None


def test_imported_history_is_named_and_no_fault() -> None:
    some, none = stats.check_imported_history(3, 4), stats.check_imported_history(0, 4)

    assert (some.ok, some.share, none.ok, none.reason) == (True, 0.75, True, None)
    assert some.reason is not None
    assert some.reason.startswith("75% of exposures count as imported history")
