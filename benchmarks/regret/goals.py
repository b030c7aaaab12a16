"""Goals of the learner on each workload, and whether it meets them."""

from dataclasses import dataclass
from typing import Literal

from benchmarks.regret.summary import Estimate

Verdict = Literal["met", "not met", "open"]

COVERAGE = 93.0, 97.0


@dataclass(frozen=True, slots=True)
class Goal:
    """Most regret, and least share of traffic whose best variant is found; in percent."""

    regret: float
    best: float


GOALS = {
    "W1": Goal(10.5, 87.0),
    "W2": Goal(9.0, 82.0),
    "W3": Goal(7.8, 86.0),
    "W4": Goal(12.5, 87.0),
    "W5": Goal(16.0, 70.0),
    "W7": Goal(12.0, 86.0),
}


def judge_mean(estimate: Estimate, least: float, most: float) -> Verdict:
    """Return whether a mean lies within bounds.

    "met" if its whole interval lies within, "not met" if its whole interval lies outside,
    else "open": the runs do not decide it.
    """
    if least <= estimate.low and estimate.high <= most:
        return "met"
    if estimate.high < least or estimate.low > most:
        return "not met"
    return "open"
