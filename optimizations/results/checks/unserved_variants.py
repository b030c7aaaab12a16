"""Variants that earned the measured lift and are not served any more."""

from collections.abc import Sequence

from optimizations.models import Regime

LIFT_OF_ALL = (
    "The measured lift is of all variants that were served beside the holdout. Of these "
    "{variants} not served any more, so it is not the lift of what is served now."
)
MAX_NAMED = 5


def find_unserved_variants(regimes: Sequence[Regime]) -> list[int]:
    """Return the numbers of variants that were compared and are not served any more.

    `regimes` are those of one optimization, in order. Those without a holdout compare
    nothing, and those of another revision of the reward's metric are not in the lift.
    """
    if not regimes:
        return []
    last = regimes[-1]
    served = {
        number
        for regime in regimes
        if 0 < regime.holdout_percentage < 100
        and regime.metric_id == last.metric_id
        and regime.metric_revision == last.metric_revision
        for number in regime.enabled
    }
    return sorted(served.difference(last.enabled))


def list_lift_notes(regimes: Sequence[Regime]) -> list[str]:
    """Return the note that says of what the measured lift is, where it could mislead."""
    numbers = find_unserved_variants(regimes)
    if not numbers:
        return []
    if len(numbers) == 1:
        return [LIFT_OF_ALL.format(variants=f"variant {numbers[0]} is")]
    *named, last = [str(number) for number in numbers[: MAX_NAMED + 1]]
    others = len(numbers) - len(named)
    if others > 1:
        last = f"{others} others"
    return [LIFT_OF_ALL.format(variants=f"variants {', '.join(named)} and {last} are")]
