"""Digests of events with an idempotency key, to tell a repeat from another event. Pure.

Of the event without its time there are 32 bits. They find what a program got wrong, in all
but one of four billion cases. A sender who looks for two events of one digest could only
hide a mistake from themselves, and longer digests cost a batch as much as all its other
checks. Of its time there are 31 bits, so that it can be left out of a comparison.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from optimizations.ingestion.event_columns import (
    EventColumns,
    ExposureColumns,
    RewardColumns,
)

Digests = list[int | None]

# Ends each event's JSON. No text of an event contains NUL, and inside a text the quotes
# are written with a backslash.
MARK = "\0"
WRITTEN_MARK = rb'"\u0000"]'
TIME_BITS = 31
MAX_TIME = (1 << TIME_BITS) - 1
# Digests of versions that knew no part for the time have 32 bits.
LEAST_WITH_TIME = 1 << 32


def compute_exposure_digests(
    exposures: ExposureColumns, texts: Sequence[tuple[str, str]], now: datetime
) -> Digests:
    """Return the digest of each exposure, None without a key.

    `texts` are the variant_key and recorded context of each. A time that was not sent
    reads as `now`.
    """
    return _compute_digests(exposures, [texts, exposures.policy_versions], now)


def compute_reward_digests(rewards: RewardColumns, now: datetime) -> Digests:
    """Return the digest of each reward; see `compute_exposure_digests`."""
    return _compute_digests(
        rewards,
        [rewards.names, rewards.values, _sort_properties(rewards.properties)],
        now,
    )


def is_repeat(first: int, again: int) -> bool:
    """Return whether an event is the first one with its key, which may lack its time.

    A time that one of them was sent without is not compared: the server set it.
    """
    if first < LEAST_WITH_TIME:
        return True
    times = first & MAX_TIME, again & MAX_TIME
    is_same_time = 0 in times or times[0] == times[1]
    return is_same_time and first >> TIME_BITS == again >> TIME_BITS


def _compute_digests(
    events: EventColumns, columns: Sequence[Sequence[Any]], now: datetime
) -> Digests:
    if not any(key is not None for key in events.keys):
        return [None] * len(events)
    marks = [MARK] * len(events)
    identity = (events.anonymous_ids, events.optimization_ids)
    # One call for all: a call for each event costs more than everything else here.
    text = orjson.dumps(list(zip(*identity, *columns, marks, strict=True)))
    # The first event has a bracket where the others have a comma.
    contents = (b"," + text[1:]).split(WRITTEN_MARK)[:-1]
    return [
        None
        if key is None
        else zlib.crc32(content) << TIME_BITS | (moment != now and _digest_time(moment))
        for key, content, moment in zip(
            events.keys, contents, events.timestamps, strict=True
        )
    ]


def _digest_time(moment: datetime) -> int:
    """Return 1 to MAX_TIME: two moments less than 35 minutes apart have two numbers."""
    return int(moment.timestamp() * 1_000_000) % MAX_TIME + 1


def _sort_properties(properties: list[str | None]) -> list[str | None]:
    if properties.count(None) == len(properties):
        return properties
    return list(map(_sort_keys, properties))


def _sort_keys(properties: str | None) -> str | None:
    """Return properties with sorted keys: a repeat may have them in another order."""
    if properties is None:
        return None
    return orjson.dumps(orjson.loads(properties), option=orjson.OPT_SORT_KEYS).decode()
