"""Who is best how often: against rewards written out, in any order of contexts."""

import numpy as np
import pytest

from models_app.bandit.design.design import Floats, build_contrasts
from models_app.bandit.policy import prob_best
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.linear_predictor import compute_level_effects
from models_app.bandit.rewards.reward_model import RewardModelKind, RewardPosterior
from tests.models_app.bandit.rewards.test_reward_model import belief
from tests.support import bandit_worlds

KINDS: list[RewardModelKind] = ["chance", "mean", "hurdle", "outcomes"]
DRAWS = 600


def written_out(whole: RewardPosterior, sign: float) -> Floats:
    """Shares [S, V] of draws in which a variant's reward is the best, one by one."""
    everyone = np.arange(whole.design.variants)
    (chunk,) = reward_model.draw_chunks(whole, DRAWS, 5, everyone)
    table = chunk.table()
    best = [
        (sign * table.reward(levels)).argmax(axis=1)
        for levels in whole.design.context_levels
    ]
    return np.array([np.bincount(each, minlength=len(everyone)) for each in best])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("contexts", [(), (3,), (2, 1), (1, 3, 2)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_shares_are_those_of_the_rewards_of_every_draw(
    kind: RewardModelKind, contexts: tuple[int, ...], sign: float
) -> None:
    whole = belief(kind, (3, 2, 2), contexts)
    everyone = np.arange(12)

    found = prob_best.compute_prob_best(whole, DRAWS, 5, everyone, sign=sign)

    off = found * DRAWS - written_out(whole, sign)
    assert np.abs(off).max() <= 1  # a draw that single precision cannot tell


@pytest.mark.parametrize("kind", KINDS)
def test_variants_left_out_win_nothing_and_hinder_nobody(kind: RewardModelKind) -> None:
    whole = belief(kind)
    some = np.array([1, 4])

    found = prob_best.compute_prob_best(whole, DRAWS, 0, some)

    assert found.sum(axis=1) == pytest.approx(1)
    assert (found[:, [0, 2, 3, 5]] == 0).all()
    assert 0 < found[0, 1] < 1


@pytest.mark.parametrize("weights", [(3.0,), (-3.0,), (0.0, 0.0), (2e30, 1e30)])
def test_outcomes_of_any_weights_are_ranked(weights: tuple[float, ...]) -> None:
    parts = belief("outcomes").posteriors[: len(weights)]
    names = tuple(str(index) for index in range(len(weights)))
    whole = RewardPosterior("outcomes", parts, names, weights)

    found = prob_best.compute_prob_best(whole, DRAWS, 5, np.arange(6))

    assert found * DRAWS == pytest.approx(written_out(whole, 1.0), abs=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [-45.0, 45.0, 800.0])
def test_effects_beyond_all_numbers_still_have_a_winner(
    kind: RewardModelKind, level: float
) -> None:
    whole = belief(kind)
    wild = tuple(
        Posterior(part.design, part.mean + level, part.covariance)
        for part in whole.posteriors
    )

    found = prob_best.compute_prob_best(
        RewardPosterior(kind, wild, whole.names, whole.weights), DRAWS, 0, np.arange(6)
    )

    assert found.sum(axis=1) == pytest.approx(1)


def test_a_mean_in_the_billions_is_told_apart_by_its_cents() -> None:
    design = bandit_worlds.make_design((2,))
    sure = Posterior(design, np.array([1e9, -0.01]), np.diag([1e4, 1e-6]))
    whole = RewardPosterior("mean", (sure,), ("reward",))

    found = prob_best.compute_prob_best(whole, DRAWS, 0, np.arange(2))

    assert found[0] == pytest.approx([0, 1])


@pytest.mark.parametrize("levels", [1, 2, 3, 40])
def test_effects_by_level_are_those_of_the_contrasts(levels: int) -> None:
    theta = np.random.default_rng(0).normal(size=(4, 3, levels - 1))

    effects = compute_level_effects(theta)

    assert effects == pytest.approx(theta @ build_contrasts(levels).T)
