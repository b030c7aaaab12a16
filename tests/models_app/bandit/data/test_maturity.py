"""The share of rewards that arrives by an age, and ages it cannot be read at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models_app.bandit.data import cells, maturity
from models_app.bandit.data.cells import TrainingRow
from models_app.bandit.design.design import Design, Factor
from models_app.bandit.report import posterior_draws

WEEK = 168
AS_OF = datetime(2030, 1, 20, 12, tzinfo=UTC)
WITHIN_MINUTES = [10_000, 30, *[0] * 30]
SMOOTH = (100_000 * 0.85 ** np.arange(32)).astype(int).tolist()


def row(hours_ago: int, users: int, converted: int) -> TrainingRow:
    """Return users first touched so many hours ago; they mature after a week."""
    at = AS_OF - timedelta(hours=hours_ago)
    mature = hours_ago > WEEK
    hour = None if mature else at
    return TrainingRow(at.date(), 1, 0, 0, mature, hour, users, converted)


@pytest.mark.parametrize(
    ("lags", "age", "is_readable"),
    [
        pytest.param(WITHIN_MINUTES, 2, False, id="within the bucket where all arrive"),
        pytest.param(WITHIN_MINUTES, 6, True, id="after that bucket"),
        pytest.param(SMOOTH, 2, True, id="steadily slower"),
        pytest.param([0] * 10 + [50] + [0] * 21, 54, False, id="all at one age"),
        pytest.param([0] * 32, 2, True, id="no lags, nothing to misread"),
        pytest.param(WITHIN_MINUTES, WEEK, True, id="at the horizon"),
    ],
)
def test_an_age_is_readable_unless_its_bucket_stands_out(
    lags: list[int], age: float, *, is_readable: bool
) -> None:
    assert maturity.is_readable(age, lags, WEEK) == is_readable


def test_fast_rewards_do_not_make_the_newest_users_look_better() -> None:
    rows = [row(200, 10_000, 500), row(20, 1_000, 50), row(2, 1_000, 50)]

    table = cells.tabulate_counts(rows, WITHIN_MINUTES, WEEK, AS_OF)

    assert table.successes.sum() == pytest.approx(550, rel=1e-3)
    assert table.successes.sum() / table.users.sum() == pytest.approx(0.05, rel=0.01)


def test_rows_of_single_users_weigh_like_one_row_of_all_users() -> None:
    one_row = row(84, 60, 9)
    single = [replace(one_row, users=1, converted=int(n < 9)) for n in range(60)]

    from_single, from_one_row = (
        cells.tabulate_counts(rows, [100] * 32, WEEK, AS_OF)
        for rows in (single, [one_row])
    )

    assert from_single.users == pytest.approx(from_one_row.users)
    assert from_single.users == pytest.approx([30], rel=0.02)
    assert from_single.successes == pytest.approx([9], rel=1e-3)


def test_before_any_user_is_past_the_horizon_rates_are_those_so_far() -> None:
    rows = [row(hours, 1_000, 140) for hours in (1, 5, 20)]

    table = cells.tabulate_counts(rows, [0] * 32, WEEK, AS_OF)

    assert table.successes.sum() / table.users.sum() == pytest.approx(0.14)
    assert table.maturity is not None
    assert table.maturity.max() < 0.2


def test_the_context_mix_counts_users_of_any_age_in_full() -> None:
    phones = [replace(row(hours, 100, 1), context=1) for hours in (1, 2, 3)]
    table = cells.tabulate_counts([row(200, 300, 30), *phones], [100] * 32, WEEK, AS_OF)
    contexts = (Factor("device", ("desk", "phone")),)

    shares = posterior_draws.compute_context_mix(
        Design((Factor("headline", ("a", "b")),), contexts), table
    )

    assert shares[:2] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(("horizon", "counted"), [(1, 4_000), (2, 4_000), (24, 4_006)])
def test_who_came_within_the_hour_of_a_short_horizon_says_nothing(
    horizon: int, counted: float
) -> None:
    """They may have come a minute ago: that none has a reward is no failure."""
    minutes = [0, 100, 200, 100, *[0] * 28] if horizon < 24 else [100] * 32
    now = AS_OF + timedelta(minutes=50)
    old = row(WEEK + 1, 4_000, 400)
    new = replace(row(0, 700, 0), variant=1)

    table = cells.tabulate_counts([old, new], minutes, horizon, now)

    assert table.users.sum() == pytest.approx(counted, abs=8)
