"""A simulated history of one optimization: visits and purchases; pure and seeded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

START = datetime(2026, 3, 1, tzinfo=UTC)
VARIANTS = 12
CONTEXTS = 6
DAY = 86400.0
# Share of the return visits that come within hours, and mean delays in seconds.
SAME_DAY_SHARE = 0.6
MEAN_HOURS = 4 * 3600.0
MEAN_DAYS = 3 * DAY


@dataclass(frozen=True)
class History:
    """Events in time order: seconds since START, numbers of users and variants."""

    seconds: NDArray[np.float64]
    users: NDArray[np.int64]
    variants: NDArray[np.int64]
    reward_seconds: NDArray[np.float64]
    reward_users: NDArray[np.int64]


def draw_history(exposures: int, users: int, rewards: int, days: int) -> History:
    """Draw a history; users arrive evenly over the days, and some come back.

    A return visit after the last day is drawn again for another user.
    """
    rng = np.random.default_rng(20260301)
    first = rng.uniform(0, days * DAY, users)
    returning = rng.integers(0, users, int(exposures - users))
    later = _draw_return_times(rng, first[returning])
    while len(too_late := np.flatnonzero(later >= days * DAY)):
        returning[too_late] = rng.integers(0, users, len(too_late))
        later[too_late] = _draw_return_times(rng, first[returning[too_late]])
    seconds = np.concatenate([first, later])
    order = np.argsort(seconds)
    visitors = np.concatenate([np.arange(users), returning])[order]
    buyers = rng.integers(0, users, rewards)
    delays = rng.exponential(MEAN_HOURS, rewards)
    bought = np.minimum(first[buyers] + delays, days * DAY - 1e-3)
    reward_order = np.argsort(bought)
    return History(
        seconds[order],
        visitors,
        visitors % VARIANTS,
        bought[reward_order],
        buyers[reward_order],
    )


def _draw_return_times(
    rng: np.random.Generator, first: NDArray[np.float64]
) -> NDArray[np.float64]:
    is_same_day = rng.random(len(first)) < SAME_DAY_SHARE
    scale = np.where(is_same_day, MEAN_HOURS, MEAN_DAYS)
    return first + rng.exponential(scale)


def write_exposures(history: History, since: int, until: int) -> Iterator[str]:
    """Yield the exposures of the days [since, until) as COPY lines without the ids."""
    low, high = np.searchsorted(history.seconds, [since * DAY, until * DAY])
    for index in range(low, high):
        user = int(history.users[index])
        seconds = float(history.seconds[index])
        timestamp = format_timestamp(seconds)
        yield (
            f'{format_user_id(user)}\t{{"layout":"v{history.variants[index]}"}}\t'
            f'{{"device":"d{user // 7 % CONTEXTS}"}}\t{int(seconds // DAY)}\t'
            f"{timestamp}\t{timestamp}\n"
        )


def write_rewards(history: History, since: int, until: int) -> Iterator[str]:
    """Yield the rewards of the days [since, until) as COPY lines without the ids."""
    low, high = np.searchsorted(history.reward_seconds, [since * DAY, until * DAY])
    for index in range(low, high):
        timestamp = format_timestamp(float(history.reward_seconds[index]))
        user = int(history.reward_users[index])
        yield (
            f"{format_user_id(user)}\tpurchase\t{1 + user % 90}\t"
            f"{timestamp}\t{timestamp}\n"
        )


def format_user_id(user: int) -> str:
    """Return an id for a user number; these ids sort like random ones."""
    return f"{user * 0x9E3779B97F4A7C15 % 2**64:016x}"


def format_timestamp(seconds: float) -> str:
    """Return a moment of the history as Postgres reads it."""
    return (START + timedelta(seconds=seconds)).isoformat()
