"""Sums of amounts in which outliers count as typical amounts, however many they are."""

from typing import NamedTuple

import numpy as np

from models_app.bandit.data.amount_bound import ROUNDING, AmountBound, AmountSums

# The mean of a group's other amounts is plausible up to this many times that of all
# others, and this many standard errors more.
PLAUSIBLE_FACTOR, PLAUSIBLE_ERRORS = 4.0, 3.0
# The least plausible mean, and the range of logs, in sds of the logs.
LOG_SDS = 2.0
MAX_LOG_VARIANCE = 4.0
LOG_ROUNDING = 1e-9  # relative, of the squared logs of equal amounts
MAX_OF_GROUP = 10_000  # outliers of one group that are told apart


class GroupSums(NamedTuple):
    """The sums of one group of amounts; `total` is the size of their sum."""

    amounts: float
    total: float
    squares: float
    logs: float
    log_squares: float


def apply_bound(amounts: AmountSums, bound: AmountBound) -> AmountSums:
    """Return the sums with every outlier counted as a typical amount of its sign.

    A group has some for certain where Σy² / Σ|y| is above the limit: the largest is at
    least that. So it has where a few dominate whose size is, and where Σy² exceeds what so
    many others have by more than one amount at the limit does. How many there are is not
    known: it is the number k whose removal, at the size √(Σy² / k), leaves the others most
    like all others. If even that leaves more than is plausible, because the outliers
    differ in size, the others of the group count as all others do.
    """
    sizes = np.maximum(np.abs(amounts.sums), amounts.counts * bound.others_mean)
    has_some = (amounts.counts > 0) & (amounts.squares > bound.limit * sizes)
    has_some |= amounts.find_dominant()[1] > bound.limit
    has_some |= (
        amounts.squares
        > bound.limit * bound.limit + amounts.counts * _square_others(bound)
    )
    columns = [amounts.sums, amounts.squares, amounts.log_sums, amounts.log_squares]
    bounded = [np.array(column, dtype=np.float64) for column in columns]
    for place in np.flatnonzero(has_some):
        total, *others = (float(column[place]) for column in columns)
        group = GroupSums(float(amounts.counts[place]), abs(total), *others)
        after = _bound_group(group, bound)
        sign = 1.0 if total >= 0 else -1.0
        for column, value in zip(bounded, (sign * after[1], *after[2:]), strict=True):
            column[place] = value
    return AmountSums(amounts.counts, *bounded)


def _bound_group(group: GroupSums, bound: AmountBound) -> GroupSums:
    """Return the sums with the outliers of the group counted as typical amounts."""
    number, size = _find_outliers(group, bound)
    rest = max(group.amounts - number, 0.0)
    rest_sum = _estimate_rest(group, number * size, rest, bound)
    spread = _compute_spread(bound)
    log_size, log_typical = float(np.log(size)), float(np.log(bound.typical))
    rest_logs = group.logs - number * log_size
    rest_log_squares = group.log_squares - number * log_size**2
    least = rest_logs**2 / max(rest, 1.0) * (1 - LOG_ROUNDING)
    if (
        abs(rest_logs - rest * bound.log_mean) > rest * LOG_SDS * bound.log_sd
        or not least <= rest_log_squares <= least + rest * (3 * bound.log_sd) ** 2
    ):
        rest_logs = rest * bound.log_mean
        rest_log_squares = rest * (bound.log_mean**2 + bound.log_sd**2)
    if rest > 0:
        # A geometric mean above the arithmetic one would prove refunds where none are.
        most = rest * float(np.log(rest_sum / rest))
        excess = max(rest_logs - most, 0.0)
        rest_log_squares += (excess**2 - 2 * excess * rest_logs) / rest
        rest_logs -= excess
    return GroupSums(
        group.amounts,
        rest_sum + number * bound.typical,
        rest_sum**2 / max(rest, 1.0) * spread + number * bound.typical**2,
        rest_logs + number * log_typical,
        rest_log_squares + number * log_typical**2,
    )


def _compute_spread(bound: AmountBound) -> float:
    """Return the mean square of log-normal amounts over their squared mean."""
    return float(np.exp(min(bound.log_sd**2, MAX_LOG_VARIANCE)))


def _square_others(bound: AmountBound) -> float:
    """Return the mean square of all others."""
    return bound.others_mean * bound.others_mean * _compute_spread(bound)


def _estimate_rest(
    group: GroupSums, removed: float, rest: float, bound: AmountBound
) -> float:
    """Return the sum of the others: what is left if that is plausible, or as all others'."""
    rest_sum = group.total - removed
    if abs(rest_sum) <= ROUNDING * group.total:  # what others paid is lost to rounding
        return rest * min(bound.typical, bound.others_mean)
    lowest, highest = _get_plausible_sums(rest, bound)
    return rest_sum if lowest <= rest_sum <= highest else rest * bound.others_mean


def _find_outliers(group: GroupSums, bound: AmountBound) -> tuple[float, float]:
    """Return how many outliers a group has, and their size.

    That number is taken whose others come closest to the mean of all others.
    """
    numbers = np.arange(1.0, max(min(group.amounts, MAX_OF_GROUP), 1.0) + 0.5)
    rests = np.maximum(group.amounts - numbers, 0.0)
    # What is left of the squares is the outliers': most of it, as they dominate.
    squares = np.maximum(group.squares - rests * bound.mean_square, group.squares / 2)
    sizes = np.sqrt(squares / numbers)
    rest_sums = group.total - numbers * sizes
    expected = rests * bound.others_mean
    chosen = int(np.abs(rest_sums - expected).argmin())
    return float(numbers[chosen]), float(sizes[chosen])


def _get_plausible_sums(rest: float, bound: AmountBound) -> tuple[float, float]:
    """Return the lowest and highest plausible sums of this many other amounts."""
    mean = bound.others_mean
    sd = mean * float(np.sqrt(_compute_spread(bound) - 1))
    lowest = rest * float(np.exp(bound.log_mean - LOG_SDS * bound.log_sd))
    highest = (
        rest * mean * PLAUSIBLE_FACTOR + PLAUSIBLE_ERRORS * float(np.sqrt(rest)) * sd
    )
    return lowest, highest
