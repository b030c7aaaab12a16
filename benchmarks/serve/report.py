"""The printed table of a comparison, its ratios beside their goals, and the JSON file."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import which
from typing import Any

import orjson

from benchmarks.local_service import ROOT
from benchmarks.serve.rounds import Round, take_medians

Results = Mapping[str, Sequence[Round]]


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of one figure of two loads, and what it must reach."""

    load: str
    base: str
    figure: str
    bound: float
    is_upper_bound: bool = False

    @property
    def title(self) -> str:
        """What is divided by what."""
        return f"{self.figure}: {self.load} / {self.base}"


GOALS = (
    Goal("ours first serve", "growthbook", "rate", 1.2),
    Goal("ours first serve", "growthbook sticky", "rate", 1.2),
    Goal("ours first serve", "granian", "rate", 0.18),
    Goal("ours known user", "granian", "rate", 0.45),
    Goal("ours known user", "ours first serve", "rate", 1.8),
    Goal("ours dry run", "granian", "rate", 0.3),
    Goal("limits first serve", "ours first serve", "rate", 0.8),
    Goal("ours first serve", "growthbook", "cpu_us", 0.6, is_upper_bound=True),
    Goal("ours first serve 450/s", "growthbook 450/s", "p99", 1.5, is_upper_bound=True),
    Goal("ours /healthz", "before /healthz", "rate", 0.8),
    Goal("ours authenticated GET", "before authenticated GET", "rate", 0.8),
    *(
        Goal(f"ours ingest {kind}", f"before ingest {kind}", "rate", 2.5)
        for kind in ("exposures, 1", "exposures, 4", "rewards, 1", "rewards, 4")
    ),
    Goal("ours first serve", "before first serve", "rate", 1.0),
    Goal("ours known user", "before known user", "rate", 1.0),
    Goal("ours dry run", "before dry run", "rate", 1.0),
)


def format_table(results: Results) -> str:
    """Return one line a load: medians over its rounds."""
    head = (
        f"{'load':<34}{'per s':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
        f"{'CPU us':>9}{'generator':>11}  refused, failed"
    )
    lines = [head]
    for name, rounds in results.items():
        one = take_medians(list(rounds))
        trouble = f"{one.refused:,.0f}, {one.failed:,.0f}"
        lines.append(
            f"{name:<34}{one.rate:>9,.0f}{one.p50:>9.2f}{one.p95:>9.2f}{one.p99:>9.2f}"
            f"{one.cpu_us:>9,.0f}{one.generator_cpu:>10.0%}   "
            f"{trouble if one.refused or one.failed else ''}"
        )
    return "\n".join(lines)


def format_goals(results: Results) -> str:
    """Return one line a goal whose loads were both measured."""
    lines = [f"{'ratio of medians':<66}{'is':>7}  goal"]
    for goal in GOALS:
        ratio = compute_ratio(goal, results)
        if ratio is None:
            continue
        sign = "<=" if goal.is_upper_bound else ">="
        met = "met" if is_met(goal, ratio) else "NOT met"
        lines.append(f"{goal.title:<66}{ratio:>7.2f}  {sign} {goal.bound}  {met}")
    return "\n".join(lines)


def compute_ratio(goal: Goal, results: Results) -> float | None:
    """Return the ratio of the medians, None where one of the loads did not run."""
    if goal.load not in results or goal.base not in results:
        return None
    load, base = (
        getattr(take_medians(list(results[name])), goal.figure)
        for name in (goal.load, goal.base)
    )
    return float(load / base) if base else None


def is_met(goal: Goal, ratio: float) -> bool:
    """Return whether a ratio is within its goal."""
    return ratio <= goal.bound if goal.is_upper_bound else ratio >= goal.bound


def write_json(path: Path, results: Results, options: Mapping[str, Any]) -> None:
    """Write every round, the medians and the ratios to a file."""
    ratios = {goal.title: compute_ratio(goal, results) for goal in GOALS}
    document = {
        "commit": read_commit(ROOT),
        "options": dict(options),
        "loads": {
            name: {
                "median": asdict(take_medians(list(rounds))),
                "rounds": [asdict(one) for one in rounds],
            }
            for name, rounds in results.items()
        },
        "ratios": {title: ratio for title, ratio in ratios.items() if ratio},
    }
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str))


def read_commit(checkout: Path) -> str:
    """Return the short commit of a checkout, "unknown" outside of git."""
    git = which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(
        (git, "rev-parse", "--short", "HEAD"),
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
