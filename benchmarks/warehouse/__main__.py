"""Measure the cube: `python -m benchmarks.warehouse [--exposures N --users N …]`.

Each step runs in a process of its own against one embedded Postgres; the history is loaded
in three parts, and a copy of the database kept after each, so that refreshes with much and
with little behind them are measured in turns. Ratios hold within one run; on a machine that
others use, too, those of the CPU's seconds (of the step and its servers) do.
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
TURNS, TIMES = 5, 3


@dataclass(frozen=True, slots=True)
class Stage:
    """A copy of the database with so many days loaded, and its first refresh."""

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
            name: str, within: dict[str, str] = environment, **given: object
        ) -> StepResult:
            progress.set_description(name)
            words = [f"{key}={value}" for key, value in given.items()]
            module = "benchmarks.warehouse.one_step"
            command = [sys.executable, "-m", module, name, *words]
            before = engine.read_server_cpu(environment)
            done = subprocess.run(  # noqa: S603 - this file's own steps
                command, env=within, check=True, stdout=subprocess.PIPE, text=True
            )
            progress.update()
            told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            told["cpu"] = (
                told.get("cpu", 0.0) + engine.read_server_cpu(environment) - before
            )
            told["cpu"] /= told.get("times", 1)
            return told

        step("prepare")
        grown = _load_stages(step, environment, size)
        refreshed = _measure_refreshes(step, grown)
        found = _measure_full_counts(step, options.days, options.rounds)
    _print_report(options, grown, refreshed, found)


def _load_stages(
    step: Step, environment: dict[str, str], size: dict[str, int]
) -> list[Stage]:
    """Load a ninth, a third, all; refresh for the first time and keep a copy of each."""
    grown, since = [], 0
    for until in sorted({size["days"] // 9, size["days"] // 3, size["days"]} - {0}):
        step("load", **size, span=f"{since}-{until}")
        first = step("refresh", as_of=until - 0.1)
        grown.append(
            Stage(until, first, engine.copy_database(environment, f"days_{until}"))
        )
        since = until
    return grown


def _measure_refreshes(step: Step, grown: list[Stage]) -> dict[int, StepResult]:
    """Refresh all in turns, the first time to warm up; the median of the rest."""
    found: dict[int, list[StepResult]] = {stage.days: [] for stage in grown}
    for turn in range(1 + TURNS):
        for stage in grown:
            as_of = stage.days - 0.1 + (1 + turn) / 100
            found[stage.days].append(
                step("refresh", stage.environment, as_of=as_of, times=TIMES)
            )
    return {days: _compute_medians(told[1:]) for days, told in found.items()}


def _compute_medians(told: list[StepResult]) -> StepResult:
    return {name: statistics.median(one[name] for one in told) for name in told[0]}


def _measure_full_counts(step: Step, days: int, rounds: int) -> dict[str, StepResult]:
    """Count everything and one day, and read everything, in turns; the best of each."""
    found: dict[str, list[StepResult]] = {"all": [], "day": [], "fetch": []}
    for _ in range(rounds):
        found["fetch"].append(step("fetch"))
        found["all"].append(step("count", first=0, last=days - 1, as_of=days))
        found["day"].append(step("count", first=days - 1, last=days - 1, as_of=days))
    return {
        name: min(each, key=lambda one: one["seconds"]) for name, each in found.items()
    }


def _print_report(
    options: argparse.Namespace,
    grown: list[Stage],
    refreshed: dict[int, StepResult],
    found: dict[str, StepResult],
) -> None:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"{options.exposures:,} exposures, {options.users:,} users,"
        f" {options.rewards:,} rewards, {options.days} days;"
        f" {os.cpu_count()} cores, load {load}\n"
    )
    print(
        f"{'':<32}{'seconds':>9}{'ratio':>7}{'CPU s':>8}{'ratio':>7}"
        f"{'peak MB':>9}{'rows':>12}{'cells':>8}"
    )
    fetched, everything = found["fetch"], found["all"]
    _print_line("fetchall of the raw rows", fetched, fetched)
    _print_line("full cube, of fetchall", everything, fetched)
    _print_line("one open day, of the full cube", found["day"], everything)
    for days, told in refreshed.items():
        _print_line(
            f"refresh with {days} days behind it", told, refreshed[grown[0].days]
        )
    firsts = ", ".join(f"{stage.first['seconds']:.1f} s" for stage in grown)
    print(f"The first refresh of each, which counts and remembers all days: {firsts}.")


def _print_line(title: str, one: StepResult, beside: StepResult) -> None:
    print(
        f"{title:<32}{one['seconds']:>9.2f}{one['seconds'] / beside['seconds']:>7.3f}"
        f"{one['cpu']:>8.2f}{one['cpu'] / beside['cpu']:>7.3f}"
        f"{one['peak_mb']:>9.0f}{one['rows']:>12,.0f}{one.get('cells', 0):>8,.0f}"
    )


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.warehouse", description=__doc__)
    parser.add_argument("--exposures", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rewards", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=2, help="of the whole history")
    return parser.parse_args()


if __name__ == "__main__":
    main()
