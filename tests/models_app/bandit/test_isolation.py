"""What the learner loads, and that its bytes are the same everywhere."""

import os
import subprocess
import sys

IMPORTS = """
import sys
import {modules}
heavy = {{"django", "rest_framework", "celery", "scipy", "sklearn", "pandas"}}
print(*sorted(heavy & set(sys.modules)))
"""

FINGERPRINT = """
import hashlib
import numpy as np
from models_app.bandit import inference, policy, report
from tests.models_app.bandit import worlds

rng = np.random.default_rng(0)
world = worlds.drawn_from_prior(worlds.design((4, 4, 3), (3, 4)), rng)
even = np.full(world.eta.shape, 1 / 48)
days = [worlds.day(world, -2.0, even, 20_000, rng) for _ in range(8)]
cells = worlds.cells(days)
posterior = inference.fit(world.design, cells).posterior
enabled = np.ones(48, bool)
table = policy.compile(posterior, enabled)
made = report.of(
    posterior, table, cells, enabled=enabled, holdout_share=0.1, seed=1
)
parts = posterior.mean, posterior.covariance, table.probabilities, table.prob_best
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


def test_a_training_gives_the_same_bytes_on_any_number_of_threads() -> None:
    counts = ("1", "4")

    prints = {run(FINGERPRINT, OPENBLAS_NUM_THREADS=count) for count in counts}

    assert len(prints) == 1
