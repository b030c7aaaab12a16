"""Digests of events with an idempotency key, to tell a repeat from another event. Pure.

A digest has eight hexadecimal digits for each field, so that an event can be compared by
the fields that it gives. 32 bits find what a program got wrong, in all but one of four
billion cases. A sender who looks for two events of one digest could only hide a mistake
from themselves.
"""

import zlib
from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

import orjson

from optimizations.ingestion.event_columns import (
    EventColumns,
    ExposureColumns,
    RewardColumns,
)

Digests = list[str | None]

FIELD_LENGTH: Final = 8
# Places of fields in a digest. The others are fields without a default.
TIME, DEFAULTED = 1, 2
# Ends each field's JSON. No text of an event contains NUL, and inside a text the quotes
# are written with a backslash.
MARK: Final = "\0"
WRITTEN_MARK: Final = rb',"\u0000",'


def compute_exposure_digests(
    exposures: ExposureColumns, texts: Sequence[tuple[str, str]], now: datetime
) -> Digests:
    """Return the digest of each exposure, None without a key.

    `texts` are the variant_key and recorded context of each. A time that was not sent
    reads as `now`.
    """
    variants, contexts = [text for text, _ in texts], [text for _, text in texts]
    shown = zip(
        exposures.anonymous_ids, exposures.optimization_ids, variants, strict=True
    )
    return _compute_digests(
        exposures, list(shown), contexts, [exposures.policy_versions], now
    )


def compute_reward_digests(rewards: RewardColumns, now: datetime) -> Digests:
    """Return the digest of each reward; see `compute_exposure_digests`."""
    return _compute_digests(
        rewards,
        list(zip(rewards.anonymous_ids, rewards.names, strict=True)),
        rewards.values,
        [rewards.optimization_ids, _sort_properties(rewards.properties)],
        now,
    )


def is_repeat(first: str, again: str, *, omits_default: bool) -> bool:
    """Return whether an event gives nothing else than the first one with its key.

    A field that it leaves out is not compared; `omits_default` says whether it leaves out
    the one that has a default (`value`, `context`). A field that the first left out must
    have its default, but for the time: that of a first without one is the server's.
    """
    pairs = zip(_split_fields(first), _split_fields(again), strict=True)
    for place, (stored, sent) in enumerate(pairs):
        is_left_out = sent == NOT_GIVEN or (place == DEFAULTED and omits_default)
        is_servers_time = place == TIME and stored == NOT_GIVEN
        if stored != sent and not is_left_out and not is_servers_time:
            return False
    return True


def _compute_digests(
    events: EventColumns,
    required: Sequence[Any],
    defaulted: Sequence[Any],
    optional: Sequence[Sequence[Any]],
    now: datetime,
) -> Digests:
    if not any(key is not None for key in events.keys):
        return [None] * len(events)
    sent_times = [None if moment == now else moment for moment in events.timestamps]
    columns = [required, sent_times, defaulted, *optional]
    absent = ""  # what nobody gives, at the end, costs nothing
    while columns[-1].count(None) == len(events):
        columns.pop()
        absent += NOT_GIVEN
    marks = [MARK] * len(events)
    marked = chain.from_iterable((column, marks) for column in columns)
    # One call for all: a call for each event costs more than everything else here.
    text = orjson.dumps(list(chain.from_iterable(zip(*marked, strict=True))))
    # Brackets around all, and nothing after the last mark.
    contents = (text[1:-1] + b",").split(WRITTEN_MARK)[:-1]
    digits = _format_digits(contents)
    length = len(columns) * FIELD_LENGTH
    return [
        None if key is None else digits[place * length : (place + 1) * length] + absent
        for place, key in enumerate(events.keys)
    ]


def _format_digits(contents: Sequence[bytes]) -> str:
    return array("I", map(zlib.crc32, contents)).tobytes().hex()


NOT_GIVEN: Final = _format_digits([b"null"])


def _split_fields(digest: str) -> Iterator[str]:
    for start in range(0, len(digest), FIELD_LENGTH):
        yield digest[start : start + FIELD_LENGTH]


def _sort_properties(properties: list[str | None]) -> list[str | None]:
    if properties.count(None) == len(properties):
        return properties
    return list(map(_sort_keys, properties))


def _sort_keys(properties: str | None) -> str | None:
    """Return properties with sorted keys: a repeat may have them in another order."""
    if properties is None:
        return None
    return orjson.dumps(orjson.loads(properties), option=orjson.OPT_SORT_KEYS).decode()
