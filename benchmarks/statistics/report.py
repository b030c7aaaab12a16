"""Prints a study's table, each share with its Monte Carlo error."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Share:
    """A share of simulated runs, and its Monte Carlo standard error."""

    value: float
    runs: int

    @property
    def error(self) -> float:
        if not self.runs:
            return float("nan")
        return float(np.sqrt(max(self.value * (1 - self.value), 0) / self.runs))

    def __str__(self) -> str:
        return f"{100 * self.value:6.2f} ±{100 * self.error:.2f}" if self.runs else "-"


def compute_share(hits: ArrayLike, among: NDArray[np.bool_] | None = None) -> Share:
    """Share of True, among the runs given."""
    flags = np.asarray(hits, dtype=bool)
    chosen = flags if among is None else flags[among]
    return Share(float(chosen.mean()) if chosen.size else 0.0, int(chosen.size))


@dataclass(frozen=True, slots=True)
class Average:
    """A mean over runs, each run's own mean counting once, and its standard error."""

    value: float
    error: float
    runs: int

    def __str__(self) -> str:
        return f"{100 * self.value:6.2f} ±{100 * self.error:.2f}" if self.runs else "-"


def compute_average(found: Iterable[Sequence[float]]) -> Average:
    """Average what hangs together within a run; runs that tell nothing are left out."""
    each = np.array([np.mean(run) for run in found if len(run)])
    if len(each) < 2:
        return Average(float(each.mean()) if len(each) else 0.0, np.nan, len(each))
    return Average(
        float(each.mean()), float(each.std(ddof=1) / len(each) ** 0.5), len(each)
    )


def parse_arguments(runs: int) -> argparse.Namespace:
    """``--runs`` and ``--seed``, as every study takes them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--seed", type=int, default=20260101)
    return parser.parse_args()


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Aligned columns on standard output; shares are in percent."""
    lines = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    sys.stdout.write(f"{title}\n")
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        sys.stdout.write("  ".join(cells) + "\n")
    sys.stdout.write("\n")
