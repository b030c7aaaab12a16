"""Outliers among the sizes of single amounts: however many, and never a mere price."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.statistics import whales
from models_app.bandit.data import amount_rows, amount_sizes
from models_app.bandit.data.amount_sizes import AmountSizes
from models_app.bandit.design.design import Floats
from tests.models_app.bandit.data.test_amount_bound import draw_groups, make_rows

RUNS = 200


def count_sizes(amounts: Floats) -> AmountSizes:
    """Return the amounts in buckets, four for each factor of 10, as the cube has them."""
    buckets = np.ceil(4 * np.log10(np.abs(amounts))).astype(int)
    places = buckets - buckets.min()
    counts, sums = (
        np.bincount(places).astype(float),
        np.bincount(places, amounts).astype(float),
    )
    return AmountSizes.sort(counts, sums)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("number", [1, 6, 12, 40])
@pytest.mark.parametrize("spread", [1.0, 1000.0])
def test_any_number_of_outliers_of_one_group_count_as_typical_amounts(
    number: int, spread: float, sign: float
) -> None:
    groups = draw_groups(0)
    plain = make_rows(groups, sign)
    whales = np.geomspace(1e5, 1e5 * spread, number)
    groups[7] = np.append(groups[7], whales)
    sizes = count_sizes(sign * np.concatenate(groups))

    rows, bound = amount_rows.bound_amounts(make_rows(groups, sign), sizes)

    assert bound is not None
    assert bound.count == number
    assert bound.limit < 1e5
    extra = sign * (rows[7].value_sum - plain[7].value_sum)
    assert extra == pytest.approx(number * bound.typical, rel=0.1, abs=1500)
    assert rows[7].value_sum_squares < 3e5
    assert rows[:7] == plain[:7]


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0, 2.0])
def test_log_normal_amounts_have_no_outliers(sigma: float) -> None:
    bounded = 0
    for seed in range(RUNS):
        amounts = np.random.default_rng([seed, 8]).lognormal(3, sigma, 150)
        bounded += amount_sizes.find_bound(count_sizes(amounts)) is not None

    assert bounded <= 0.02 * RUNS


@pytest.mark.parametrize("shape", [1.5, 2.2])
@pytest.mark.parametrize("payers", [200, 2000])
def test_the_largest_of_a_long_tail_is_seldom_an_outlier(
    shape: float, payers: int
) -> None:
    bounded = 0
    for seed in range(RUNS):
        amounts = 1 + np.random.default_rng([seed, 9]).pareto(shape, payers)
        bounded += amount_sizes.find_bound(count_sizes(amounts)) is not None

    assert bounded <= 0.05 * RUNS


@pytest.mark.parametrize("share", [0.08, 0.2])
def test_a_price_of_a_hundred_times_another_is_no_outlier(share: float) -> None:
    amounts = np.where(np.arange(1000) < 1000 * share, 500.0, 5.0)

    assert amount_sizes.find_bound(count_sizes(amounts)) is None


@pytest.mark.parametrize("payers", [200, 1000])
@pytest.mark.parametrize("share", [0.095, 0.5, 0.9])
@pytest.mark.parametrize("number", [1, 2])
def test_whales_beside_two_prices_are_outliers_and_the_prices_are_not(
    number: int, share: float, payers: int
) -> None:
    prices = np.where(np.arange(payers - number) < payers * share, 900.0, 20.0)
    assert amount_sizes.find_bound(count_sizes(prices)) is None
    amounts = np.append(prices, np.full(number, 1e6))

    for sign in (1.0, -1.0):
        bound = amount_sizes.find_bound(count_sizes(sign * amounts))

        assert bound is not None
        assert bound.count == number
        assert 900 < bound.limit < 1e6
        assert bound.typical < 2 * 900


def test_whales_beside_three_prices_are_outliers() -> None:
    prices = np.repeat([9.0, 99.0, 990.0], [850, 100, 50])
    assert amount_sizes.find_bound(count_sizes(prices)) is None

    bound = amount_sizes.find_bound(count_sizes(np.append(prices, 1e5)))

    assert bound is not None
    assert bound.count == 1


def test_a_whale_makes_no_payer_of_a_price_count_as_more_than_five_times_it() -> None:
    for number in range(50, 76):
        prices = np.append(np.full(1000 - number, 20.0), np.full(number, 900.0))
        bound = amount_sizes.find_bound(count_sizes(np.append(prices, [1e6, 1e9])))

        assert bound is not None
        assert bound.typical < 5 * 900


@pytest.mark.parametrize("sigma", [1e-4, 0.3])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 10])
def test_ten_amounts_or_fewer_apart_from_all_others_are_outliers(
    number: int, sigma: float
) -> None:
    others = np.random.default_rng(number).lognormal(3, sigma, 210 - number)
    amounts = np.append(others, np.full(number, 900.0))

    bound = amount_sizes.find_bound(count_sizes(amounts))

    assert bound is not None
    assert bound.count == number
    assert others.max() < bound.limit < 900


def test_one_amount_of_five_hundred_medians_is_an_outlier_of_log_normal_ones() -> None:
    amounts = np.append(np.random.default_rng(7).lognormal(3, 1, 209), 10_000.0)

    bound = amount_sizes.find_bound(count_sizes(amounts))

    assert bound is not None
    assert bound.count == 1


@pytest.mark.parametrize("sigma", [1e-4, 0.3])
@pytest.mark.parametrize("number", [11, 25, 40, 60])
def test_moderate_whales_among_thousands_count_as_typical_amounts(
    number: int, sigma: float
) -> None:
    others = np.random.default_rng(number).lognormal(3, sigma, 2000)
    amounts = np.append(others, np.full(number, 900.0))

    bound = amount_sizes.find_bound(count_sizes(amounts))

    assert bound is not None
    assert bound.count == number
    assert bound.typical == pytest.approx(np.exp(3 + sigma**2 / 2), rel=0.1)


def test_one_whale_more_changes_little_until_they_are_a_price() -> None:
    counted = []
    for number in range(1, 100):
        amounts = np.append(np.full(1000, 20.0), np.full(number, 900.0))
        bound = amount_sizes.find_bound(count_sizes(amounts))
        counted.append(900.0 if bound is None else bound.typical)

    assert counted[:52] == pytest.approx([20.0] * 52)
    assert counted[-1] == 900.0
    assert max(np.diff(np.log(counted))) < np.log(1.2)
    assert (np.diff(counted) > -1e-6).all()


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, payers: rng.lognormal(3, 1, payers),
        lambda rng, payers: rng.lognormal(3, 2, payers),
        lambda rng, payers: 1 + rng.pareto(1.5, payers),
        lambda rng, payers: 1 + rng.pareto(2.2, payers),
    ],
)
@pytest.mark.parametrize("payers", [60, 400, 3000])
def test_never_more_than_a_few_of_an_honest_tail_are_outliers(
    draw: Callable[[np.random.Generator, int], Floats], payers: int
) -> None:
    for seed in range(RUNS):
        amounts = draw(np.random.default_rng([seed, 11]), payers)
        bound = amount_sizes.find_bound(count_sizes(amounts))

        assert bound is None or bound.count <= max(3, 0.01 * payers)


def test_the_sums_of_rows_find_nothing_that_the_sizes_of_all_amounts_do_not() -> None:
    groups = draw_groups(0)
    groups[7] = np.append(groups[7], 1e5)
    usual = np.array([50.0])
    sizes = AmountSizes.sort(np.array([201.0]), 201 * usual)

    assert amount_rows.bound_amounts(make_rows(groups), sizes)[1] is None
    few = AmountSizes.sort(np.array([200.0]), 200 * usual)
    assert amount_rows.bound_amounts(make_rows(groups), few)[1] is not None


@pytest.mark.parametrize("size", [900.0, 3e3, 1e5, 1e9])
@pytest.mark.parametrize("number", [1, 3, 5, 10])
def test_bounded_amounts_above_zero_prove_no_refunds(number: int, size: float) -> None:
    rng = np.random.default_rng(3)
    groups = [rng.lognormal(3, 0.3, int(rng.integers(1, 8))) for _ in range(60)]
    for place in range(number):
        groups[place % 4] = np.append(groups[place % 4], size)
    sizes = count_sizes(np.concatenate(groups))

    rows, bound = amount_rows.bound_amounts(make_rows(groups), sizes)

    assert bound is not None
    for row in rows:
        least = row.payers * np.exp(row.log_sum / row.payers)
        assert row.value_sum >= least * (1 - 1e-9)
        assert row.log_sum_squares >= row.log_sum**2 / row.payers * (1 - 1e-9)


def test_without_amounts_there_is_nothing_to_bound() -> None:
    assert amount_sizes.find_bound(AmountSizes.sort(np.zeros(0), np.zeros(0))) is None


@pytest.mark.parametrize("size", [900.0, 2e5, 1e9])
@pytest.mark.parametrize("number", [1, 4])
def test_payers_of_one_price_beside_whales_keep_it(number: int, size: float) -> None:
    groups = [np.full(100, 20.0) for _ in range(20)]
    plain = make_rows(groups)
    for place in (3, 8, 13):
        groups[place] = np.append(np.full(100 - number, 20.0), np.full(number, size))

    rows, bound = amount_rows.bound_amounts(
        make_rows(groups), count_sizes(np.concatenate(groups))
    )

    assert bound is not None
    for row, before in zip(rows, plain, strict=True):
        assert row.value_sum == pytest.approx(before.value_sum, rel=1e-6)
        assert row.log_sum == pytest.approx(before.log_sum, rel=1e-6)
        assert row.log_sum_squares == pytest.approx(before.log_sum_squares, rel=1e-6)


@pytest.mark.parametrize(
    ("world", "moves_less"),
    [
        (whales.World("one price", 2_000, 45.0, 0.02), 0.001),
        (whales.World("one price", 200, 1e4, 0.1), 0.001),
        (whales.World("lognormal 1", 2_000, 1e4, 0.04), 0.05),
    ],
)
def test_whales_of_one_variant_hardly_move_the_traffic(
    world: whales.World, moves_less: float
) -> None:
    (row,) = whales.run_study(6, 1, [world])

    assert row.bounded.value < moves_less
    assert row.in_full.value > 0.3
