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

BEGIN, END = "<!-- serve: begin -->", "<!-- serve: end -->"
LOAD_COLUMNS = (
    "load, per s, p50 ms, p95 ms, p99 ms, CPU us, generator CPU, refused, failed"
)
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


def list_load_rows(results: Results) -> list[list[str]]:
    """Return the head and one row a load: medians over its rounds."""
    table = [LOAD_COLUMNS.split(", ")]
    for name, rounds in results.items():
        one = take_medians(list(rounds))
        latencies = [f"{ms:,.2f}" for ms in (one.p50, one.p95, one.p99)]
        counts = [f"{one.cpu_us:,.0f}", f"{one.generator_cpu:.0%}"]
        trouble = [f"{one.refused:,.0f}", f"{one.failed:,.0f}"]
        table.append([name, f"{one.rate:,.0f}", *latencies, *counts, *trouble])
    return table


def list_goal_rows(results: Results) -> list[list[str]]:
    """Return the head and one row a goal whose loads were both measured."""
    table = [["ratio of medians", "is", "goal", ""]]
    for goal in GOALS:
        ratio = compute_ratio(goal, results)
        if ratio is not None:
            bound = f"at {'most' if goal.is_upper_bound else 'least'} {goal.bound}"
            verdict = "met" if is_met(goal, ratio) else "not met"
            table.append([goal.title, f"{ratio:.2f}", bound, verdict])
    return table


def format_columns(table: list[list[str]]) -> str:
    """Return a table as text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def format_markdown(table: list[list[str]]) -> str:
    """Return a table in Markdown."""
    head, *rows = (f"| {' | '.join(row)} |" for row in table)
    return "\n".join([head, "|---" * len(table[0]) + "|", *rows])


def insert_text(document: Path, text: str) -> None:
    """Replace the text between BEGIN and END in a document.

    Raises ValueError for a document without them.
    """
    before, begin, rest = document.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document} must contain the marks {BEGIN} and {END}")
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


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
