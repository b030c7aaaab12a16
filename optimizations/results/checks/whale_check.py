"""Check whether a few users make up much of the amounts, and name how many."""

from dataclasses import dataclass

from metrics.models import Metric
from optimizations.cube import whales
from optimizations.cube.refresh import ObservationCube

# A smaller share of all amounts moves no figure that matters.
WHALE_SHARE = 0.05
MAX_ROUNDED = 0.999
PLACES = {whales.HOLDOUT: "in the holdout", whales.OPTIMIZED: "in the optimized arm"}
NO_AMOUNTS = "no user with an amount is past the horizon yet"


@dataclass(frozen=True, slots=True)
class WhaleCheck:
    """The share of the amounts (0 to 1) that a few users make up, and what is much.

    `ok` is None without amounts. `users` are those with more than `above`, of `payers`
    with an amount; `in_holdout` of them are held out. The model counts each as
    `counted_as` if `bounded`; otherwise they are those with the most for so few users of
    `arm`. `variants` are the numbers of those that they are in, as far as sums tell.
    """

    ok: bool | None
    share: float | None
    limit: float
    reason: str | None
    users: int = 0
    payers: int = 0
    in_holdout: int = 0
    above: float | None = None
    bounded: bool = False
    arm: str = whales.EVERYBODY
    counted_as: float | None = None
    variants: tuple[int, ...] = ()


def check_whales(metric: Metric | None, cube: ObservationCube) -> WhaleCheck | None:
    """Return the check of mature users; None unless the metric has amounts."""
    if metric is None or metric.reward_type != "numeric":
        return None
    payers = int(whales.collect_sizes(cube.days).counts.sum())
    if not payers:
        return WhaleCheck(None, None, WHALE_SHARE, NO_AMOUNTS)
    found = whales.find_whales(cube.days)
    if found is not None and found.share > WHALE_SHARE:
        return _describe_bounded(found)
    group = whales.find_top_group(cube.days)
    if group is not None and (found is None or group.share > group.usual_share):
        return _describe_group(group)
    if found is not None:
        return _describe_bounded(found)
    return WhaleCheck(ok=True, share=0.0, limit=WHALE_SHARE, reason=None, payers=payers)


def _describe_bounded(found: whales.Whales) -> WhaleCheck:
    """Return the check of users whose amounts the model counts as smaller ones."""
    ok = found.share <= WHALE_SHARE
    return WhaleCheck(
        ok=ok,
        share=found.share,
        limit=WHALE_SHARE,
        reason=None if ok else _build_reason(found, whales.EVERYBODY),
        users=found.users,
        payers=found.payers,
        in_holdout=found.in_holdout,
        above=found.limit,
        bounded=True,
        counted_as=found.typical,
        variants=found.variants,
    )


def _describe_group(group: whales.TopGroup) -> WhaleCheck:
    """Return the check of the few with the most; the model learns their amounts in full."""
    ok = group.share <= group.usual_share
    return WhaleCheck(
        ok=ok,
        share=group.share,
        limit=group.usual_share,
        reason=None if ok else _build_reason(group, group.arm),
        users=group.users,
        payers=group.payers,
        in_holdout=group.in_holdout,
        above=group.above,
        arm=group.arm,
        variants=group.variants,
    )


def _build_reason(group: whales.Whales | whales.TopGroup, arm: str) -> str:
    """Return who makes up how much, in words."""
    place = "" if arm == whales.EVERYBODY else f" {PLACES[arm]}"
    verb = "makes" if group.users == 1 else "make"
    return (
        f"{group.users} of {group.payers} users with an amount{place} {verb} up "
        f"{_format_share(group.share)} of the amount"
    )


def _format_share(share: float) -> str:
    """Return a share below 1 in percent; what others have is never rounded away."""
    return f"{100 * share:.3g}%" if share < MAX_ROUNDED else "over 99.9%"
