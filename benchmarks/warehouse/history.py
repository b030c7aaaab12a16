"""A made-up history of one optimization: users who come, come back, and buy. Pure, seeded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

START = datetime(2026, 3, 1, tzinfo=UTC)
VARIANTS = 12
CONTEXTS = 6
DAY = 86400.0
# Of the exposures after a user's first: so many come within hours, the others over days.
SAME_DAY = 0.6
HOURS = 4 * 3600.0
DAYS = 3 * DAY


@dataclass(frozen=True)
class History:
    """Events in order of time: seconds since START, user and what they saw, as numbers."""

    seconds: NDArray[np.float64]
    users: NDArray[np.int64]
    variants: NDArray[np.int64]
    reward_seconds: NDArray[np.float64]
    reward_users: NDArray[np.int64]


def draw_history(exposures: int, users: int, rewards: int, days: int) -> History:
    """Draw a history: users arrive evenly over the days; a visit after them is another's."""
    rng = np.random.default_rng(20260301)
    first = rng.uniform(0, days * DAY, users)
    again = rng.integers(0, users, int(exposures - users))
    later = _draw_visits(rng, first[again])
    while len(over := np.flatnonzero(later >= days * DAY)):
        again[over] = rng.integers(0, users, len(over))
        later[over] = _draw_visits(rng, first[again[over]])
    seconds = np.concatenate([first, later])
    order = np.argsort(seconds)
    who = np.concatenate([np.arange(users), again])[order]
    buyers = rng.integers(0, users, rewards)
    bought = np.minimum(
        first[buyers] + rng.exponential(HOURS, rewards), days * DAY - 1e-3
    )
    sooner = np.argsort(bought)
    return History(seconds[order], who, who % VARIANTS, bought[sooner], buyers[sooner])


def _draw_visits(
    rng: np.random.Generator, first: NDArray[np.float64]
) -> NDArray[np.float64]:
    scale = np.where(rng.random(len(first)) < SAME_DAY, HOURS, DAYS)
    return first + rng.exponential(scale)


def write_exposures(history: History, since: int, until: int) -> Iterator[str]:
    """Write the exposures of the days [since, until) as COPY lines without the ids."""
    low, high = np.searchsorted(history.seconds, [since * DAY, until * DAY])
    for place in range(low, high):
        user = int(history.users[place])
        seconds = float(history.seconds[place])
        at = format_moment(seconds)
        yield (
            f'{format_user_id(user)}\t{{"layout":"v{history.variants[place]}"}}\t'
            f'{{"device":"d{user // 7 % CONTEXTS}"}}\t{int(seconds // DAY)}\t{at}\t{at}\n'
        )


def write_rewards(history: History, since: int, until: int) -> Iterator[str]:
    """Write the rewards of the days [since, until) likewise."""
    low, high = np.searchsorted(history.reward_seconds, [since * DAY, until * DAY])
    for place in range(low, high):
        at = format_moment(float(history.reward_seconds[place]))
        user = int(history.reward_users[place])
        yield f"{format_user_id(user)}\tpurchase\t{1 + user % 90}\t{at}\t{at}\n"


def format_user_id(user: int) -> str:
    """Give a user an id that sorts as random ones do."""
    return f"{user * 0x9E3779B97F4A7C15 % 2**64:016x}"


def format_moment(seconds: float) -> str:
    """Write a moment of the history as Postgres reads it."""
    return (START + timedelta(seconds=seconds)).isoformat()
