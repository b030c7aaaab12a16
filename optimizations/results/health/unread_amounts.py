"""Check whether rewards have values that are no amounts, and name how many of which."""

from collections import Counter
from dataclasses import dataclass

from metrics.models import Metric
from metrics.stats.minimum_data import format_count
from optimizations.cube.refresh import ObservationCube
from optimizations.results.health.health import HealthReason
from warehouse.sql.cube.day_notes import OTHERS, UNREAD_AMOUNTS

MAX_EXAMPLES = 3
# Values of more digits are dropped, so that the square of any sum fits a double.
ACCEPTED_RANGE = "below 1e40 in size"
GUARDRAIL_CODE = "guardrail_unread_amounts"
CORRECT_SQL = (
    "Look at these rows, and decide in the metric's SQL what they are worth: "
    "CASE WHEN amount BETWEEN -1e12 AND 1e12 THEN amount END, in place of amount, keeps "
    "finite numbers and makes the others NULL, which is no amount and no warning. For a "
    "column of another type than a number a preview of the metric says what to write."
)


@dataclass(frozen=True, slots=True)
class UnreadAmount:
    """A value that is no amount, and how many rewards have it."""

    value: str
    rewards: int


@dataclass(frozen=True, slots=True)
class UnreadAmountsCheck:
    """How many rewards of users have a value that is no finite number in range.

    `ok` is None without users. NULL is no such value: it says that there is no amount.
    """

    ok: bool | None
    rewards: int
    reason: str | None
    examples: list[UnreadAmount]


def check_amounts(metric: Metric | None, cube: ObservationCube) -> UnreadAmountsCheck:
    """Check the rewards of a metric; one without amounts has none that is unread."""
    counts: Counter[str] = Counter()
    for note in cube.notes:
        if note.kind == UNREAD_AMOUNTS:
            counts[note.text] += note.count
    unread = counts.total()
    named = [pair for pair in counts.most_common() if pair[0] != OTHERS]
    examples = [UnreadAmount(*pair) for pair in named[:MAX_EXAMPLES]]
    if not unread or metric is None:
        ok = True if len(cube.arrays) else None
        return UnreadAmountsCheck(ok, 0, None if ok else "no users yet", [])
    reason = _build_reason(metric, unread, examples)
    return UnreadAmountsCheck(
        ok=False, rewards=unread, reason=reason, examples=examples
    )


def _build_reason(metric: Metric, unread: int, examples: list[UnreadAmount]) -> str:
    verb = "has" if unread == 1 else "have"
    values = ", ".join(f"“{example.value}” ({example.rewards})" for example in examples)
    return (
        f"{format_count(unread, 'reward')} of “{metric.name}” {verb} a value that is no "
        f"finite number {ACCEPTED_RANGE}: {values}"
    )


def describe_unread(check: UnreadAmountsCheck) -> str:
    """Return what a failed check found, and what was done with these rewards."""
    return (
        f"{check.reason}. They count as no amount: a user without another one counts as "
        "one who did not pay."
    )


def describe_guardrail(metric: Metric, cube: ObservationCube) -> HealthReason | None:
    """Return the reason of a guardrail with unread amounts; None without any."""
    check = check_amounts(metric, cube)
    if check.ok is not False:
        return None
    message = f"Of a guardrail, {describe_unread(check)}"
    return HealthReason(GUARDRAIL_CODE, message, CORRECT_SQL)
