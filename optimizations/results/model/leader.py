"""The leader: one definition that every figure names."""

from collections.abc import Collection
from dataclasses import dataclass
from math import isclose

from models_app.models import StoredReport
from optimizations.results.checks.baseline_check import BASELINE
from optimizations.results.reasons import (
    NO_BASELINE,
    NO_DIFFERENCE,
    NOT_IN_REPORT,
    ReportedLift,
    read_lift,
)

EQUAL_SHARES = "all variants get the same share: there is no winner"
# The leader of these many variants is a winner from this multiple of the even chance.
CLEAR_MULTIPLE = 1.5
BASELINE_LEADS = "the baseline leads"


@dataclass(frozen=True, slots=True)
class Leader:
    """The enabled variant most likely to be best, and that probability."""

    number: int
    prob_best: float


def find_leader(report: StoredReport, enabled: Collection[int]) -> Leader | None:
    """Return the enabled variant with the highest `prob_best` of the report.

    The lowest number wins a tie. None without a report, or where it gives no enabled
    variant a chance. After variants changed, the chances of those that are enabled now
    are normalized.
    """
    rows = report.get("variants", ())
    chances = {
        row["number"]: row["prob_best"] for row in rows if row["number"] in enabled
    }
    total = sum(chances.values())
    if not total:
        return None
    number = max(chances, key=lambda variant: (chances[variant], -variant))
    return Leader(number, chances[number] / total)


def read_best_lift(
    report: StoredReport, leader: Leader
) -> tuple[ReportedLift | None, str]:
    """Return the leader's lift over the baseline, or None and the reason."""
    if leader.number == BASELINE:
        return None, BASELINE_LEADS
    if report["best_variant"] != leader.number:  # a report of an earlier version
        return None, NOT_IN_REPORT
    return read_lift(report["best_vs_baseline_percent"]), NO_BASELINE


def explain_no_winner(
    report: StoredReport, leader: Leader | None, shares: Collection[float]
) -> str | None:
    """Return why the leader is no winner, or None if it is one.

    A winner stands out, and its improvement over the baseline is claimed: what the
    headline calls no difference has no winner. `shares` are those of the traffic that the
    enabled variants are served with.
    """
    if leader is None or (len(shares) > 1 and isclose(min(shares), max(shares))):
        return EQUAL_SHARES
    if len(shares) > 1 and leader.prob_best < CLEAR_MULTIPLE / len(shares):
        return (
            f"no variant stands out: variant {leader.number} leads with a chance of "
            f"{leader.prob_best:.2g} to be the best of {len(shares)}"
        )
    lift, reason = read_best_lift(report, leader)
    if lift is None:
        return reason
    return NO_DIFFERENCE if lift.median is None else None
