"""Outside the environment, programs say in one sentence what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = sorted(
    ".".join(file.with_suffix("").relative_to(ROOT).parts).removesuffix(".__main__")
    for file in ROOT.glob("benchmarks/**/*.py")
    if '__name__ == "__main__"' in file.read_text()
)


def run_without_packages(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python without the packages that are installed beside it."""
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_names_the_module_and_the_command_in_one_sentence(
    name: str,
) -> None:
    ended = run_without_packages("-m", name)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{name} needs the module ")
    assert "run `make bench" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_every_benchmark_is_tried() -> None:
    assert {"benchmarks.serve", "benchmarks.soak", "benchmarks.statistics.coverage"} < (
        set(BENCHMARKS)
    )


def test_other_errors_of_a_benchmark_keep_their_traceback() -> None:
    ended = run_without_packages("-c", "import benchmarks; benchmarks.nothing")

    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("-m", "levered_site.demo"), "make demo"),
        (("-m", "levered_site.web"), "make run"),
        (("clients/python/generate.py",), "make openapi"),
        (("benchmarks/draw.py",), "make bench BENCH=draw"),
        (("benchmarks/javascript_client.py",), "make bench BENCH=javascript_client"),
        (("benchmarks/python_client.py",), "make bench BENCH=python_client"),
    ],
)
def test_other_programs_name_the_module_and_the_command_in_one_sentence(
    arguments: tuple[str, ...], command: str
) -> None:
    ended = run_without_packages(*arguments)

    assert ended.returncode == 1
    assert " needs the module " in ended.stderr
    assert f"run `{command}`" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_manage_names_the_module_and_the_command_in_one_sentence() -> None:
    ended = run_without_packages("manage.py", "issue_token")

    assert ended.returncode == 1
    assert ended.stderr.startswith("manage.py needs the module django, which ")
    assert ended.stderr.count("\n") == 1
