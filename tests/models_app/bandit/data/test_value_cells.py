"""Rows of amounts and outcomes are summed into cells."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from models_app.bandit.data import maturity, value_cells
from models_app.bandit.data.cells import TrainingRow

AS_OF = datetime(2030, 1, 5, tzinfo=UTC)
LAGS = [10, 10, 10, 10]
ROW = TrainingRow(
    day=date(2030, 1, 1),
    policy_version=1,
    variant=0,
    context=0,
    mature=True,
    hour=None,
    users=100,
    converted=0,
)
FRESH = replace(
    ROW, day=date(2030, 1, 4), mature=False, hour=AS_OF - timedelta(hours=12.5)
)


def test_amounts_add_up_and_payers_are_the_successes() -> None:
    row = replace(
        ROW,
        converted=5,
        payers=4,
        value_sum=30.0,
        value_sum_squares=400.0,
        log_sum=6.0,
        log_sum_squares=10.0,
    )

    table = value_cells.tabulate_amounts([row, row], LAGS, 48, AS_OF)

    assert (table.users.tolist(), table.successes.tolist()) == ([200], [8])
    assert (table.value_sum.tolist(), table.value_sum_squares.tolist()) == ([60], [800])
    assert (table.log_sum.tolist(), table.log_sum_squares.tolist()) == ([12], [20])
    assert (table.others.tolist(), table.total) == ([2], 60)


def test_immature_users_count_by_their_share() -> None:
    fresh = replace(FRESH, converted=3, payers=3, value_sum=30.0)

    table = value_cells.tabulate_amounts([fresh], LAGS, 48, AS_OF)

    share = maturity.compute_maturity(12, LAGS, 48)
    assert share is not None
    assert table.users[0] == pytest.approx(100 * share.weight)
    assert table.maturity is not None
    assert table.maturity[0] == pytest.approx(share.arrived)


def test_outcomes_of_the_same_users_are_one_cell_with_one_share() -> None:
    fresh = [
        replace(FRESH, users=90, outcome="failure"),
        replace(FRESH, users=8, converted=8, outcome="basic"),
        replace(FRESH, users=2, converted=2, outcome="pro"),
    ]

    table = value_cells.tabulate_outcomes(
        fresh, LAGS, 48, AS_OF, {"basic": 1.0, "pro": 3.0}
    )

    assert table.keys == ("pro", "basic")
    share = maturity.compute_maturity(12, LAGS, 48)
    assert share is not None
    assert table.counts == pytest.approx(np.array([[2, 8]]))
    assert table.successes[0] == pytest.approx(10)
    assert table.users[0] == pytest.approx(100 * share.weight)
    assert table.total == pytest.approx(14)


def test_the_order_of_outcomes_in_the_weights_does_not_matter() -> None:
    rows = [replace(ROW, users=8, converted=8, outcome="basic")]

    tables = [
        value_cells.tabulate_outcomes(rows, LAGS, 48, AS_OF, weights)
        for weights in ({"a": 1.0, "basic": 1.0}, {"basic": 1.0, "a": 1.0})
    ]

    assert tables[0].keys == tables[1].keys == ("a", "basic")


def test_an_outcome_without_a_weight_is_refused_by_name() -> None:
    rows = [replace(ROW, users=8, converted=8, outcome="gone")]

    with pytest.raises(ValueError, match=r"^outcome: gone"):
        value_cells.tabulate_outcomes(rows, LAGS, 48, AS_OF, {"basic": 1.0})


@pytest.mark.parametrize(
    ("values", "refunds"),
    [
        ([3.0, 0.0], False),
        ([3.0, 3.0], False),
        ([1e15, 1e-9], False),
        ([3.0, -1.0], True),
        ([-1.0], True),
        ([], False),
    ],
)
def test_negative_amounts_show_in_the_sums(values: list[float], refunds: bool) -> None:
    paid = [value for value in values if value > 0]
    row = replace(
        ROW,
        converted=len(values),
        payers=len(paid),
        value_sum=sum(values),
        log_sum=float(np.log(paid).sum()),
    )

    table = value_cells.tabulate_amounts([row], LAGS, 48, AS_OF)

    assert table.has_refunds is refunds


def test_no_rows_make_no_cells() -> None:
    amounts = value_cells.tabulate_amounts([], LAGS, 48, AS_OF)
    outcomes = value_cells.tabulate_outcomes([], LAGS, 48, AS_OF, {"a": 1.0, "b": 2.0})

    assert (len(amounts.users), amounts.total) == (0, 0)
    assert (outcomes.counts.shape, outcomes.total) == ((0, 2), 0)
