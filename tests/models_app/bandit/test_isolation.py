"""What the learner imports, and that its results are the same on any machine."""

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


def run(arguments: list[str], **environment: str) -> str:
    """Run Python with these arguments and return what it prints."""
    process = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": ".", **environment},
    )
    return process.stdout.strip()


def test_web_processes_load_numpy_alone() -> None:
    modules = "models_app.bandit.design.design, models_app.bandit.policy.allocation"

    loaded = run(["-c", IMPORTS.format(modules=modules)])

    assert loaded == ""


def test_the_whole_learner_loads_no_framework() -> None:
    modules = "models_app.bandit.regression.fit, models_app.bandit.report.report"

    loaded = run(["-c", IMPORTS.format(modules=modules)])

    assert loaded == "scipy"


@pytest.mark.parametrize("kind", ["bool", "numeric", "outcomes"])
def test_training_gives_the_same_bytes_on_any_number_of_threads(kind: str) -> None:
    program = ["-m", "tests.support.training_fingerprint", kind]

    fingerprints = {run(program, OPENBLAS_NUM_THREADS=count) for count in ("1", "4")}

    assert len(fingerprints) == 1
