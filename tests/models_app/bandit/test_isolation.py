"""What the learner loads, and that its bytes are the same everywhere."""

import os
import subprocess
import sys

import pytest

IMPORTS = """
import sys
import {modules}
heavy = {{"django", "rest_framework", "celery", "scipy", "sklearn", "pandas"}}
print(*sorted(heavy & set(sys.modules)))
"""

FINGERPRINT = """
import hashlib
import numpy as np
from models_app.bandit import learning, policy, report, rewards
from tests.models_app.bandit import valued_worlds, worlds

rng = np.random.default_rng(0)
design = worlds.design((4, 4, 3), (3, 4) if "{kind}" == "bool" else ())
variants = design.variants
effects = valued_worlds.effects(design, 0.2, rng)
rate = 0.1 * np.exp(effects)
amounts = valued_worlds.log_normal(3 + effects, 1.2)
shop = valued_worlds.Shop(design, rate, amounts)
shares = np.full((variants, 3), 1 / 3)
world = worlds.drawn_from_prior(design, rng)
even = np.full(world.eta.shape, 1 / variants)
days = [worlds.day(world, -2.0, even, 20_000, rng) for _ in range(8)]
cells = {{
    "bool": worlds.cells(days),
    "numeric": valued_worlds.sold(shop, 20_000, 8, rng),
    "outcomes": valued_worlds.chosen(rate, shares, (5.0, 2.0, 1.0), 5_000, rng),
}}["{kind}"]
believed = learning.fit(design, cells).believed
enabled = np.ones(variants, bool)
table = policy.compile(believed, enabled)
made = report.of(believed, table, cells, enabled=enabled, holdout_share=0.1, seed=1)
parts = [table.probabilities, table.prob_best]
for posterior in rewards.belief(believed).posteriors:
    parts += [posterior.mean, posterior.covariance]
digest = hashlib.sha256(b"".join(part.tobytes() for part in parts))
digest.update(repr(made).encode())
print(digest.hexdigest())
"""


def run(program: str, **environment: str) -> str:
    """Run a program in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": ".", **environment},
    )
    return done.stdout.strip()


def test_what_web_processes_load_is_numpy_alone() -> None:
    modules = "models_app.bandit.design, models_app.bandit.policy"

    loaded = run(IMPORTS.format(modules=modules))

    assert loaded == ""


def test_the_whole_learner_knows_no_framework() -> None:
    modules = "models_app.bandit.inference, models_app.bandit.report"

    loaded = run(IMPORTS.format(modules=modules))

    assert loaded == "scipy"


@pytest.mark.parametrize("kind", ["bool", "numeric", "outcomes"])
def test_a_training_gives_the_same_bytes_on_any_number_of_threads(kind: str) -> None:
    counts, program = ("1", "4"), FINGERPRINT.format(kind=kind)

    prints = {run(program, OPENBLAS_NUM_THREADS=count) for count in counts}

    assert len(prints) == 1
