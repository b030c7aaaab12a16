"""Check whether a few users make up most of the amounts, and name how many."""

from dataclasses import dataclass

from metrics.models import Metric
from optimizations.cube import whales
from optimizations.cube.refresh import ObservationCube

# A smaller share of all amounts moves no figure that matters.
WHALE_SHARE = 0.05
MAX_ROUNDED = 0.999
NO_AMOUNTS = "no user with an amount is past the horizon yet"


@dataclass(frozen=True, slots=True)
class WhaleCheck:
    """The share of all amounts (0 to 1) that users far beyond all others make up.

    `ok` is None without amounts. `users` are those beyond `above`, of `payers` with an
    amount; `in_holdout` of them are held out.
    """

    ok: bool | None
    share: float | None
    limit: float
    reason: str | None
    users: int = 0
    payers: int = 0
    in_holdout: int = 0
    above: float | None = None


def check_whales(metric: Metric | None, cube: ObservationCube) -> WhaleCheck | None:
    """Return the check of mature users; None unless the metric has amounts."""
    if metric is None or metric.reward_type != "numeric":
        return None
    payers = int(whales.collect_sizes(cube.days).counts.sum())
    if not payers:
        return WhaleCheck(None, None, WHALE_SHARE, NO_AMOUNTS)
    found = whales.find_whales(cube.days)
    if found is None:
        return WhaleCheck(
            ok=True, share=0.0, limit=WHALE_SHARE, reason=None, payers=payers
        )
    ok = found.share <= WHALE_SHARE
    reason = (
        f"{found.users} of {found.payers} users with an amount make up "
        f"{_format_share(found.share)} of the amount"
    )
    return WhaleCheck(
        ok=ok,
        share=found.share,
        limit=WHALE_SHARE,
        reason=None if ok else reason,
        users=found.users,
        payers=found.payers,
        in_holdout=found.in_holdout,
        above=found.limit,
    )


def _format_share(share: float) -> str:
    """Return a share below 1 in percent; what others have is never rounded away."""
    return f"{100 * share:.3g}%" if share < MAX_ROUNDED else "over 99.9%"
