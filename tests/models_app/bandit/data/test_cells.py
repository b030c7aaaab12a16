"""Rows of the cube are summed into training cells."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, strategies as st

from models_app.bandit.data import cells, maturity
from models_app.bandit.data.cells import TrainingRow

MONDAY, TUESDAY = date(2030, 1, 7), date(2030, 1, 8)
AS_OF = datetime(2030, 1, 8, 12, tzinfo=UTC)


ROW = TrainingRow(
    day=MONDAY,
    policy_version=1,
    variant=0,
    context=0,
    mature=True,
    hour=None,
    users=10,
    converted=2,
)


def test_rows_of_one_cell_are_summed_and_strata_are_day_by_version_in_order() -> None:
    rows = [
        replace(ROW, day=TUESDAY, policy_version=2),
        ROW,
        replace(ROW, users=5, converted=1),
        replace(ROW, policy_version=None, variant=1),
    ]

    table = cells.tabulate_counts(rows, [0] * 32, 24, AS_OF)

    assert table.stratum.tolist() == [0, 1, 2]
    assert table.stratum_time.tolist() == [0.0, 0.5, 1.0]
    assert table.variant.tolist() == [1, 0, 0]
    assert table.users.tolist() == [10, 15, 10]
    assert table.successes.tolist() == [2, 3, 2]


def test_immature_users_count_as_the_share_of_rewards_that_arrives_by_their_age() -> (
    None
):
    lags = [0] * 16 + [1_000_000] + [0] * 15
    hours = [AS_OF - timedelta(hours=age, minutes=30) for age in (6, 18)]
    rows = [
        replace(ROW, mature=False, hour=hour, users=100, converted=0, variant=index)
        for index, hour in enumerate(hours)
    ]

    table = cells.tabulate_counts(rows, lags, 24, AS_OF)

    assert table.users == pytest.approx([0, 100], abs=1e-3)
    assert table.maturity == pytest.approx([0, 1], abs=1e-5)


def test_an_immature_cell_never_has_fewer_users_than_rewards() -> None:
    fresh = replace(ROW, mature=False, hour=AS_OF, users=10, converted=4)

    table = cells.tabulate_counts([fresh], [1000] * 32, 24, AS_OF)

    assert table.users.tolist() == table.successes.tolist()
    assert table.users == pytest.approx([4], rel=1e-3)


@given(
    st.lists(st.integers(0, 1000), min_size=32, max_size=32),
    st.lists(st.floats(-1, 200), min_size=2, max_size=20),
)
def test_the_arrived_share_grows_with_age_from_none_to_all(
    lags: list[int], ages: list[float]
) -> None:
    shares = [maturity.compute_arrived_share(age, lags, 72) for age in sorted(ages)]

    assert np.all(np.diff(shares) >= 0)
    assert maturity.compute_arrived_share(0, lags, 72) == 0
    assert maturity.compute_arrived_share(72, lags, 72) == pytest.approx(1)


def test_an_immature_row_without_an_hour_is_refused() -> None:
    with pytest.raises(ValueError, match="hour"):
        cells.tabulate_counts([replace(ROW, mature=False)], [0] * 32, 24, AS_OF)


def test_no_rows_make_no_cells() -> None:
    table = cells.tabulate_counts([], [0] * 32, 24, AS_OF)

    assert table.users.size == table.stratum_time.size == 0
