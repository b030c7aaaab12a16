"""The sample ratio check."""

import math

import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import betabinom, binom

from metrics.stats import Split, check_sample_ratio


def test_p_is_the_likelihood_ratio_to_the_mixture() -> None:
    check = check_sample_ratio([Split(5400, 4600, 0.5)])

    mixture = betabinom.logpmf(4600, 10_000, 500, 500)
    plain = binom.logpmf(4600, 10_000, 0.5)
    assert check.p_value == pytest.approx(math.exp(plain - mixture), rel=1e-6)
    assert not check.ok
    assert (check.observed_share, check.expected_share) == pytest.approx((0.46, 0.5))


def test_each_regime_is_compared_with_its_own_share() -> None:
    check = check_sample_ratio([Split(5000, 5000, 0.5), Split(9000, 1000, 0.1)])

    assert check.ok
    assert check.p_value == 1.0
    assert check.expected_share == pytest.approx(0.3)
    assert not check_sample_ratio([Split(14_000, 6000, 0.5)]).ok


def test_without_users_there_is_no_alarm() -> None:
    check = check_sample_ratio([])

    assert check.ok
    assert check.p_value == 1.0
    assert check.observed_share is None


def test_a_holdout_user_without_a_holdout_is_an_alarm() -> None:
    assert check_sample_ratio([Split(1000, 0, 0.0)]).ok
    assert not check_sample_ratio([Split(1000, 1, 0.0)]).ok
    assert not check_sample_ratio([Split(1, 1000, 1.0)]).ok


@pytest.mark.parametrize("arguments", [(-1, 5, 0.1), (5, -1, 0.1), (5, 5, 1.1)])
def test_impossible_counts_are_rejected(arguments: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match=r"negative|between"):
        Split(*arguments)


@given(st.floats(0.01, 0.99), st.integers(1, 40))
@settings(deadline=None)
def test_p_is_one_over_the_evidence_for_every_count(share: float, users: int) -> None:
    log_evidence = [
        betabinom.logpmf(k, users, 1000 * share, 1000 * (1 - share))
        - binom.logpmf(k, users, share)
        for k in range(users + 1)
    ]

    p_values = [
        check_sample_ratio([Split(users - k, k, share)]).p_value
        for k in range(users + 1)
    ]

    for e, p in zip(log_evidence, p_values, strict=True):
        assert p == pytest.approx(min(1.0, math.exp(-e)), rel=1e-5)


@given(
    st.lists(
        st.builds(Split, st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0, 1)),
        max_size=5,
    )
)
@settings(deadline=None)
def test_p_is_a_probability_for_any_counts(splits: list[Split]) -> None:
    assert 0 <= check_sample_ratio(splits).p_value <= 1
