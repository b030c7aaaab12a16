"""How often each variant is best: against the rewards of every single draw."""

import numpy as np
import pytest

from models_app.bandit.design.design import Floats, build_contrasts
from models_app.bandit.policy import prob_best
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.linear_predictor import compute_level_effects
from models_app.bandit.rewards.reward_model import RewardModelKind, RewardPosterior
from tests.support import bandit_worlds
from tests.support.reward_posteriors import make_reward_posterior

KINDS: list[RewardModelKind] = ["chance", "mean", "hurdle", "outcomes"]
DRAWS = 600


def count_wins(posterior: RewardPosterior, sign: float) -> Floats:
    """Return the number [S, V] of draws in which a variant has the best reward."""
    variants = np.arange(posterior.design.variants)
    (chunk,) = reward_model.draw_chunks(posterior, DRAWS, 5, variants)
    table = chunk.build_table()
    best = [
        (sign * table.compute_reward(levels)).argmax(axis=1)
        for levels in posterior.design.context_levels
    ]
    return np.array([np.bincount(winners, minlength=len(variants)) for winners in best])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("contexts", [(), (3,), (2, 1), (1, 3, 2)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_shares_agree_with_the_rewards_of_every_draw(
    kind: RewardModelKind, contexts: tuple[int, ...], sign: float
) -> None:
    posterior = make_reward_posterior(kind, (3, 2, 2), contexts)
    variants = np.arange(12)

    shares = prob_best.compute_prob_best(posterior, DRAWS, 5, variants, sign=sign)

    difference = shares * DRAWS - count_wins(posterior, sign)
    assert np.abs(difference).max() <= 1  # a tie in single precision


@pytest.mark.parametrize("kind", KINDS)
def test_variants_left_out_never_win(kind: RewardModelKind) -> None:
    posterior = make_reward_posterior(kind)
    variants = np.array([1, 4])

    shares = prob_best.compute_prob_best(posterior, DRAWS, 0, variants)

    assert shares.sum(axis=1) == pytest.approx(1)
    assert (shares[:, [0, 2, 3, 5]] == 0).all()
    assert 0 < shares[0, 1] < 1


@pytest.mark.parametrize("weights", [(3.0,), (-3.0,), (0.0, 0.0), (2e30, 1e30)])
def test_outcomes_of_any_weights_are_ranked(weights: tuple[float, ...]) -> None:
    parts = make_reward_posterior("outcomes").posteriors[: len(weights)]
    names = tuple(str(index) for index in range(len(weights)))
    posterior = RewardPosterior("outcomes", parts, names, weights)

    shares = prob_best.compute_prob_best(posterior, DRAWS, 5, np.arange(6))

    assert shares * DRAWS == pytest.approx(count_wins(posterior, 1.0), abs=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [-45.0, 45.0, 800.0])
def test_huge_effects_still_have_a_winner(kind: RewardModelKind, level: float) -> None:
    posterior = make_reward_posterior(kind)
    parts = tuple(
        Posterior(part.design, part.mean + level, part.covariance)
        for part in posterior.posteriors
    )
    extreme = RewardPosterior(kind, parts, posterior.names, posterior.weights)

    shares = prob_best.compute_prob_best(extreme, DRAWS, 0, np.arange(6))

    assert shares.sum(axis=1) == pytest.approx(1)


def test_means_in_the_billions_that_differ_by_cents_are_ranked() -> None:
    design = bandit_worlds.make_design((2,))
    part = Posterior(design, np.array([1e9, -0.01]), np.diag([1e4, 1e-6]))
    posterior = RewardPosterior("mean", (part,), ("reward",))

    shares = prob_best.compute_prob_best(posterior, DRAWS, 0, np.arange(2))

    assert shares[0] == pytest.approx([0, 1])


@pytest.mark.parametrize("levels", [1, 2, 3, 40])
def test_level_effects_agree_with_the_contrasts(levels: int) -> None:
    theta = np.random.default_rng(0).normal(size=(4, 3, levels - 1))

    effects = compute_level_effects(theta)

    assert effects == pytest.approx(theta @ build_contrasts(levels).T)
