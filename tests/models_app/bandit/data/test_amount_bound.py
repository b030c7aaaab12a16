"""The bound on single amounts: what it finds, what it leaves, whatever the sign."""

from datetime import date

import numpy as np
import pytest

from models_app.bandit.data import amount_rows
from models_app.bandit.data.cells import TrainingRow
from models_app.bandit.design.design import Floats

RUNS = 200


def make_rows(groups: list[Floats], sign: float = 1.0) -> list[TrainingRow]:
    """Return a row of the cube for each group of positive amounts, times the sign."""
    rows = []
    for place, amounts in enumerate(groups):
        logs = np.log(amounts) if sign > 0 else np.zeros(0)
        rows.append(
            TrainingRow(
                day=date(2026, 1, 1 + place % 28),
                policy_version=1,
                variant=place % 4,
                context=0,
                mature=True,
                hour=None,
                users=10 * len(amounts) + 1,
                converted=len(amounts),
                value_sum=float(sign * amounts.sum()),
                value_sum_squares=float(amounts @ amounts),
                payers=len(logs),
                log_sum=float(logs.sum()),
                log_sum_squares=float(logs @ logs),
            )
        )
    return rows


def draw_groups(seed: int, sizes: int = 40, payers: int = 5) -> list[Floats]:
    """Return groups of log-normal amounts around 30."""
    rng = np.random.default_rng(seed)
    return [rng.lognormal(3.4, 1.0, payers) for _ in range(sizes)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("whales", [[1e9], [1e5], [1e9, 1e9], [1e9, 3e5, 1e5]])
def test_amounts_far_beyond_all_others_count_as_typical_ones(
    sign: float, whales: list[float]
) -> None:
    groups = draw_groups(0)
    plain = make_rows(groups, sign)
    for place, whale in enumerate(whales):
        groups[3 * place] = np.append(groups[3 * place], whale)

    rows, bound = amount_rows.bound_amounts(make_rows(groups, sign))

    assert bound is not None
    assert bound.count == len(whales)
    assert bound.limit < 9e4
    assert 20 < bound.typical < 120
    for before, after in zip(plain, rows, strict=True):
        extra = sign * bound.typical * (after.converted - before.converted)
        assert after.value_sum == pytest.approx(before.value_sum + extra, rel=1e-3)
        assert after.value_sum_squares < 3 * before.value_sum_squares + 1e5


def test_two_whales_of_one_group_are_found() -> None:
    groups = draw_groups(1)
    groups[5] = np.append(groups[5], [1e9, 1e9])

    rows, bound = amount_rows.bound_amounts(make_rows(groups))

    assert bound is not None
    assert bound.count == 2
    assert rows[5].value_sum < 2_000


def test_a_group_of_many_loses_its_whale_only() -> None:
    groups = draw_groups(2, sizes=8, payers=500)
    plain = groups[3].sum()
    groups[3] = np.append(groups[3], 1e9)

    for sign in (1.0, -1.0):
        rows, bound = amount_rows.bound_amounts(make_rows(groups, sign))

        assert bound is not None
        expected = sign * (plain + bound.typical)
        assert rows[3].value_sum == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0, 2.0])
def test_log_normal_amounts_are_seldom_bounded(sigma: float) -> None:
    bounded = 0
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, 7])
        groups = [rng.lognormal(3, sigma, int(rng.integers(1, 9))) for _ in range(30)]
        bounded += amount_rows.bound_amounts(make_rows(groups))[1] is not None

    assert bounded <= 0.02 * RUNS


def test_a_few_prices_are_not_bounded() -> None:
    prices = np.array([5.0, 49.0, 499.0])
    rng = np.random.default_rng(3)
    groups = [rng.choice(prices, 6, p=(0.6, 0.38, 0.02)) for _ in range(60)]

    assert amount_rows.bound_amounts(make_rows(groups))[1] is None
    assert amount_rows.bound_amounts(make_rows(groups, -1.0))[1] is None


def test_without_amounts_there_is_no_bound() -> None:
    empty = make_rows([np.zeros(0)] * 4)

    assert amount_rows.bound_amounts([]) == ([], None)
    assert amount_rows.bound_amounts(empty) == (empty, None)
