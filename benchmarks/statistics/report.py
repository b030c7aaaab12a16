"""Shares and averages with their Monte Carlo errors, and the table that prints them."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RARE = 0.05  # worlds published in a smaller share of runs are not printed


@dataclass(frozen=True, slots=True)
class Share:
    """A share of simulated runs, with its Monte Carlo standard error."""

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
    """Return the share of True among the selected runs, or among all."""
    flags = np.asarray(hits, dtype=bool)
    selected = flags if among is None else flags[among]
    return Share(float(selected.mean()) if selected.size else 0.0, int(selected.size))


@dataclass(frozen=True, slots=True)
class Average:
    """A mean of the means of single runs, and its standard error."""

    value: float
    error: float
    runs: int

    def __str__(self) -> str:
        return f"{100 * self.value:6.2f} ±{100 * self.error:.2f}" if self.runs else "-"


def compute_average(runs: Iterable[Sequence[float]]) -> Average:
    """Average the values of each run, then the runs; runs without values are left out.

    Values of one run are correlated, so only runs count for the error.
    """
    means = np.array([np.mean(values) for values in runs if len(values)])
    count = len(means)
    if count < 2:
        return Average(float(means.mean()) if count else 0.0, np.nan, count)
    error = float(means.std(ddof=1) / count**0.5)
    return Average(float(means.mean()), error, count)


def parse_arguments(runs: int) -> argparse.Namespace:
    """Parse ``--runs`` and ``--seed``, the options of every study."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--seed", type=int, default=20260101)
    return parser.parse_args()


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Print aligned columns; shares are in percent."""
    lines = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    sys.stdout.write(f"{title}\n")
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        sys.stdout.write("  ".join(cells) + "\n")
    sys.stdout.write("\n")
