"""Measure the cube: `python -m benchmarks.warehouse [--exposures N --users N …]`.

Each step runs in a process of its own against one embedded Postgres. The history is loaded
in three parts, and the database is copied after each, so that refreshes with a short and
with a long history take turns. Ratios hold within one run; on a machine that others use,
prefer the ratios of CPU seconds (of the step and its servers).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from benchmarks.warehouse import engine

StepResult = dict[str, Any]
Step = Callable[..., StepResult]
TURNS, REFRESHES_A_TURN = 5, 3


@dataclass(frozen=True, slots=True)
class Stage:
    """A copy of the database with some days loaded, and its first refresh."""

    days: int
    first: StepResult
    environment: dict[str, str]


def main() -> None:
    """Load, measure, print."""
    options = _parse_options()
    size = {
        name: getattr(options, name)
        for name in ("exposures", "users", "rewards", "days")
    }
    with engine.run_stores() as environment, tqdm(disable=None) as progress:

        def step(
            name: str,
            step_environment: dict[str, str] = environment,
            **arguments: object,
        ) -> StepResult:
            progress.set_description(name)
            result = _run_step(name, environment, step_environment, arguments)
            progress.update()
            return result

        step("prepare")
        stages = _load_stages(step, environment, size)
        refreshed = _measure_refreshes(step, stages)
        counted = _measure_full_counts(step, options.days, options.rounds)
        indexed = step("index_days")
    _print_report(options, stages, refreshed, counted)
    print(
        f"The index by user of the closed days, built once: {indexed['cpu']:.2f} CPU s,"
        f" {indexed['cpu'] / indexed['rows'] * 1e6:.2f} us a reward."
    )


def _run_step(
    name: str,
    environment: dict[str, str],
    step_environment: dict[str, str],
    arguments: dict[str, object],
) -> StepResult:
    """Run a step in a process; `cpu` is that of one repetition, with the servers'."""
    words = [f"{key}={value}" for key, value in arguments.items()]
    command = [sys.executable, "-m", "benchmarks.warehouse.one_step", name, *words]
    cpu_before = engine.read_server_cpu(environment)
    process = subprocess.run(
        command, env=step_environment, check=True, stdout=subprocess.PIPE, text=True
    )
    result: StepResult = json.loads(process.stdout.splitlines()[-1])
    server_cpu = engine.read_server_cpu(environment) - cpu_before
    cpu = (result.get("cpu", 0.0) + server_cpu) / result.get("times", 1)
    return result | {"cpu": cpu}


def _load_stages(
    step: Step, environment: dict[str, str], size: dict[str, int]
) -> list[Stage]:
    """Load a ninth, a third and all days; after each, refresh and copy the database."""
    stages, since = [], 0
    for until in sorted({size["days"] // 9, size["days"] // 3, size["days"]} - {0}):
        step("load", **size, span=f"{since}-{until}")
        first = step("refresh", as_of=until - 0.1)
        copy = engine.copy_database(environment, f"days_{until}")
        stages.append(Stage(until, first, copy))
        since = until
    return stages


def _measure_refreshes(step: Step, stages: list[Stage]) -> dict[int, StepResult]:
    """Refresh the stages in turns; return medians by days, without the warm-up turn."""
    results: dict[int, list[StepResult]] = {stage.days: [] for stage in stages}
    for turn in range(1 + TURNS):
        for stage in stages:
            as_of = stage.days - 0.1 + (1 + turn) / 100
            results[stage.days].append(
                step("refresh", stage.environment, as_of=as_of, times=REFRESHES_A_TURN)
            )
    return {days: _compute_medians(turns[1:]) for days, turns in results.items()}


def _compute_medians(results: list[StepResult]) -> StepResult:
    return {
        name: statistics.median(result[name] for result in results)
        for name in results[0]
    }


def _measure_full_counts(step: Step, days: int, rounds: int) -> dict[str, StepResult]:
    """Read all rows, count all days and count one day, in turns; the fastest of each."""
    results: dict[str, list[StepResult]] = {"all": [], "day": [], "fetch": []}
    for _ in range(rounds):
        results["fetch"].append(step("fetch"))
        results["all"].append(step("count", first=0, last=days - 1, as_of=days))
        results["day"].append(step("count", first=days - 1, last=days - 1, as_of=days))
    return {
        name: min(repeats, key=lambda result: result["seconds"])
        for name, repeats in results.items()
    }


def _print_report(
    options: argparse.Namespace,
    stages: list[Stage],
    refreshed: dict[int, StepResult],
    counted: dict[str, StepResult],
) -> None:
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    print(
        f"{options.exposures:,} exposures, {options.users:,} users,"
        f" {options.rewards:,} rewards, {options.days} days;"
        f" {os.cpu_count()} cores, load {load}\n"
    )
    print(
        f"{'':<32}{'seconds':>9}{'ratio':>7}{'CPU s':>8}{'ratio':>7}"
        f"{'peak MB':>9}{'rows':>12}{'cells':>8}"
    )
    fetched, everything = counted["fetch"], counted["all"]
    _print_line("fetchall of the raw rows", fetched, fetched)
    _print_line("full cube, of fetchall", everything, fetched)
    _print_line("one open day, of the full cube", counted["day"], everything)
    shortest = refreshed[stages[0].days]
    for days, result in refreshed.items():
        _print_line(f"refresh with {days} days behind it", result, shortest)
    firsts = ", ".join(f"{stage.first['seconds']:.1f} s" for stage in stages)
    print(f"The first refresh of each, which counts and stores all days: {firsts}.")


def _print_line(title: str, result: StepResult, reference: StepResult) -> None:
    seconds_ratio = result["seconds"] / reference["seconds"]
    cpu_ratio = result["cpu"] / reference["cpu"]
    print(
        f"{title:<32}{result['seconds']:>9.2f}{seconds_ratio:>7.3f}"
        f"{result['cpu']:>8.2f}{cpu_ratio:>7.3f}"
        f"{result['peak_mb']:>9.0f}{result['rows']:>12,.0f}{result.get('cells', 0):>8,.0f}"
    )


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.warehouse", description=__doc__)
    parser.add_argument("--exposures", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rewards", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument(
        "--rounds", type=int, default=2, help="counts of the whole history"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
