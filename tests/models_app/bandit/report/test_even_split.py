"""What serving by the policy earned beyond an even split, compared with known truths."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import even_split, report
from models_app.bandit.report.even_split import EvenSplit, ServedUsers
from models_app.bandit.rewards.reward_model import FittedReward, RewardPosterior
from tests.support import bandit_worlds

# Of two context cells and three variants, the rates that the model is certain of.
RATES = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])


def make_certain_posterior() -> Posterior:
    """Return a posterior that is certain of RATES; other cells are their average."""
    design = bandit_worlds.make_design((3,), (2,))
    cell_index, variant = np.divmod(np.arange(6), 3)
    rows = np.concatenate([np.ones((6, 1)), design.rows(variant, cell_index)], axis=1)
    log_odds = np.log(RATES / (1 - RATES)).ravel()
    mean = np.linalg.lstsq(rows, log_odds, rcond=None)[0]
    return Posterior(design, mean, np.eye(len(mean)) * 1e-12)


def pad(table: list[list[float]], posterior: Posterior) -> Floats:
    """Return a table of the first context cells as [S, V]."""
    padded = np.zeros((posterior.design.context_cells, 3))
    padded[: len(table)] = table
    return padded


def shift_odds(odds: float) -> Floats:
    """Return chances whose odds are so many times those of RATES."""
    return odds * RATES / (1 + (odds - 1) * RATES)


def make_days(posterior: Posterior, levels: list[float]) -> TrainingCells:
    """Return days of 300 users, whose odds are those of RATES times the level of the day."""
    users = pad([[50, 50, 50], [50, 50, 50]], posterior)
    return bandit_worlds.build_cells(
        [
            (users, users * pad(shift_odds(level).tolist(), posterior))
            for level in levels
        ]
    )


def compare(
    reward: FittedReward, cells: TrainingCells, served: list[ServedUsers]
) -> EvenSplit | None:
    """Return what the report says of those served."""
    table = np.full((12, 3), 1 / 3)[: reward.design.context_cells]
    return report.build_report(
        reward,
        CompiledPolicy(table, table),
        cells,
        enabled=np.ones(3, bool),
        holdout_share=0.1,
        seed=0,
        served=served,
    ).even_split


def serve(posterior: Posterior, *, day: int = 0, **fields: Any) -> ServedUsers:
    """Return 100 users of each context cell, most of them shown the best there."""
    served = ServedUsers(
        day, pad([[10, 10, 80], [80, 10, 10]], posterior), np.ones(3, bool)
    )
    return replace(served, **fields)


def test_each_context_is_compared_with_an_even_split_of_its_own_users() -> None:
    posterior = make_certain_posterior()
    cells = make_days(posterior, [1.0])

    split = compare(posterior, cells, [serve(posterior)])

    assert split is not None
    assert split.users == 200
    # 27 of 100 instead of 20, in both contexts.
    assert split.extra.mean == pytest.approx(14, rel=1e-3)
    assert split.extra.lo == pytest.approx(split.extra.hi, rel=1e-3)


def test_only_what_was_eligible_then_is_in_the_even_split() -> None:
    posterior = make_certain_posterior()
    eligible = np.array([True, False, True])
    users = pad([[20, 0, 80]], posterior)

    split = compare(
        posterior,
        make_days(posterior, [1.0]),
        [serve(posterior, users=users, eligible=eligible)],
    )

    assert split is not None
    assert split.extra.mean == pytest.approx(26 - 20, rel=1e-3)


@pytest.mark.parametrize("level", [0.1, 0.5, 3.0, 10.0])
def test_a_day_counts_at_the_level_of_its_own_rewards(level: float) -> None:
    """The model describes the last day; on the first, odds were so many times those."""
    posterior = make_certain_posterior()
    cells = make_days(posterior, [level, 1.0])

    split = compare(posterior, cells, [serve(posterior, day=day) for day in (0, 1)])

    low, middle, high = shift_odds(level)[0]
    first = 2 * (80 * high + 10 * middle + 10 * low - 100 * (low + middle + high) / 3)
    assert split is not None
    assert split.extra.mean == pytest.approx(first + 14, rel=1e-2)


def test_a_day_without_rewards_or_users_adds_nothing() -> None:
    posterior = make_certain_posterior()
    everyone = pad([[50, 50, 50], [50, 50, 50]], posterior)
    nobody, nothing = 0 * everyone, 0 * everyone
    days = bandit_worlds.build_cells(
        [
            (everyone, nothing),
            (nobody, nothing),
            (everyone, everyone * pad(RATES.tolist(), posterior)),
        ]
    )

    split = compare(posterior, days, [serve(posterior, day=day) for day in (0, 2)])

    assert split is not None
    assert split.extra.mean == pytest.approx(14, rel=1e-3)


def test_a_day_on_which_everybody_earned_says_nothing_impossible() -> None:
    posterior = make_certain_posterior()
    everyone = pad([[50, 50, 50], [50, 50, 50]], posterior)

    split = compare(
        posterior,
        bandit_worlds.build_cells([(everyone, everyone)]),
        [serve(posterior)],
    )

    assert split is not None
    assert 0 <= split.extra.mean <= 2 * (80 - 100 / 3)


def test_effects_on_a_plain_mean_do_not_grow_with_its_level() -> None:
    chance = make_certain_posterior()
    rows = np.concatenate(
        [np.ones((6, 1)), chance.design.rows(np.arange(6) % 3, np.arange(6) // 3)],
        axis=1,
    )
    mean = np.linalg.lstsq(rows, RATES.ravel(), rcond=None)[0]
    reward = RewardPosterior("mean", (replace(chance, mean=mean),), ("reward",))

    split = compare(reward, make_days(chance, [0.5]), [serve(chance)])

    assert split is not None
    assert split.extra.mean == pytest.approx(14, rel=1e-3)


def test_an_even_split_has_no_surplus_and_nobody_served_has_no_figure() -> None:
    posterior = make_certain_posterior()
    cells = make_days(posterior, [1.0])
    even = serve(posterior, users=pad([[20, 20, 20], [5, 5, 5]], posterior))
    nobody = serve(posterior, users=pad([[0, 0, 0]], posterior))

    split = compare(posterior, cells, [even])

    assert not even_split.compute_surplus(even).any()
    assert split is not None
    assert split.users == 75
    assert split.extra.mean == pytest.approx(0, abs=1e-9)
    assert compare(posterior, cells, []) is compare(posterior, cells, [nobody]) is None
