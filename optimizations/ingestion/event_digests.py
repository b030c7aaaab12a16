"""Digests of events with an idempotency key: a repeat has the digest of the first. Pure.

32 bits find what a program got wrong, in all but one of four billion cases. A sender who
looks for two events of one digest could only hide a mistake from themselves, and longer
digests cost a batch as much as all its other checks.
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


def compute_exposure_digests(
    exposures: ExposureColumns, texts: Sequence[tuple[str, str]], now: datetime
) -> Digests:
    """Return the digest of each exposure, None without a key.

    `texts` are the variant_key and recorded context of each. A time that was not sent,
    which reads as `now`, is not part of the event.
    """
    return _compute_digests(exposures, [texts, exposures.policy_versions], now)


def compute_reward_digests(rewards: RewardColumns, now: datetime) -> Digests:
    """Return the digest of each reward; see `compute_exposure_digests`."""
    return _compute_digests(
        rewards,
        [rewards.names, rewards.values, _sort_properties(rewards.properties)],
        now,
    )


def _compute_digests(
    events: EventColumns, columns: Sequence[Sequence[Any]], now: datetime
) -> Digests:
    if not any(key is not None for key in events.keys):
        return [None] * len(events)
    sent_times = [None if moment == now else moment for moment in events.timestamps]
    marks = [MARK] * len(events)
    identity = (events.anonymous_ids, events.optimization_ids, sent_times)
    # One call for all: a call for each event costs more than everything else here.
    text = orjson.dumps(list(zip(*identity, *columns, marks, strict=True)))
    # The first event has a bracket where the others have a comma.
    contents = (b"," + text[1:]).split(WRITTEN_MARK)[:-1]
    return [
        None if key is None else zlib.crc32(content)
        for key, content in zip(events.keys, contents, strict=True)
    ]


def _sort_properties(properties: list[str | None]) -> list[str | None]:
    if properties.count(None) == len(properties):
        return properties
    return list(map(_sort_keys, properties))


def _sort_keys(properties: str | None) -> str | None:
    """Return properties with sorted keys: a repeat may have them in another order."""
    if properties is None:
        return None
    return orjson.dumps(orjson.loads(properties), option=orjson.OPT_SORT_KEYS).decode()
