"""Print a hash of everything a small training computes: `python -m … bool|numeric|outcomes`."""

import hashlib
import sys

import numpy as np

from models_app.bandit.policy import allocation
from models_app.bandit.report import report
from models_app.bandit.rewards import fit, reward_model
from tests.support import bandit_worlds, value_worlds


def fingerprint(kind: str) -> str:
    """Train on a simulated world of one reward type and hash all resulting arrays."""
    rng = np.random.default_rng(0)
    design = bandit_worlds.make_design((4, 4, 3), (3, 4) if kind == "bool" else ())
    variants = design.variants
    effects = value_worlds.draw_effects(design, 0.2, rng)
    rate = 0.1 * np.exp(effects)
    amounts = value_worlds.log_normal_amounts(3 + effects, 1.2)
    shop = value_worlds.Shop(design, rate, amounts)
    shares = np.full((variants, 3), 1 / 3)
    world = bandit_worlds.draw_from_prior(design, rng)
    even = np.full(world.eta.shape, 1 / variants)
    days = [
        bandit_worlds.simulate_day(world, -2.0, even, 20_000, rng) for _ in range(8)
    ]
    cells = {
        "bool": bandit_worlds.build_cells(days),
        "numeric": value_worlds.simulate_sales(shop, 20_000, 8, rng),
        "outcomes": value_worlds.simulate_outcomes(
            rate, shares, (5.0, 2.0, 1.0), 5_000, rng
        ),
    }[kind]
    reward = fit.fit_reward(design, cells).reward
    enabled = np.ones(variants, bool)
    table = allocation.compile_policy(reward, enabled)
    figures = report.build_report(
        reward, table, cells, enabled=enabled, holdout_share=0.1, seed=1
    )
    parts = [table.probabilities, table.prob_best]
    for posterior in reward_model.to_reward_posterior(reward).posteriors:
        parts += [posterior.mean, posterior.covariance]
    digest = hashlib.sha256(b"".join(part.tobytes() for part in parts))
    digest.update(repr(figures).encode())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(fingerprint(sys.argv[1]))
