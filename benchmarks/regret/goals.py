"""What the learner is to reach on each workload, and whether it does."""

from dataclasses import dataclass
from typing import Literal

from benchmarks.regret.summary import Estimate

Verdict = Literal["met", "not met", "open"]

COVERAGE = 93.0, 97.0


@dataclass(frozen=True, slots=True)
class Goal:
    """Most regret, least share of traffic with the best found; both in percent."""

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


def judge_mean(found: Estimate, least: float, most: float) -> Verdict:
    """Tell whether a mean lies within bounds; open where its interval reaches over one.

    That is: open where the runs do not tell, "met" where the mean and all of its
    interval lie within.
    """
    if least <= found.low and found.high <= most:
        return "met"
    if found.high < least or found.low > most:
        return "not met"
    return "open"
