"""Read the events of a batch many at a time. Pure.

`events` reads what is not ordinary one by one and words the problems. Both accept the same
events with the same values; a property test compares them.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from levered_site.anonymous_ids import are_plain_ids, find_anonymous_id_problem
from levered_site.errors import InvalidItemError, forget_trace
from levered_site.ids import is_uuid
from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH
from optimizations.ingestion import events
from optimizations.ingestion.event_columns import (
    EventColumns,
    ExposureColumns,
    Problems,
    RewardColumns,
)

# An event that is not ordinary has its chunk read one by one.
CHUNK_SIZE: Final = 50
# What the quick checks raise, by themselves or by the operations that they try.
NOT_ORDINARY: Final = (
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
    OverflowError,
)

Column = list[Any]
Columns = TypeVar("Columns", ExposureColumns, RewardColumns)


def read_exposures(
    batch: Sequence[object], now: datetime
) -> tuple[ExposureColumns, Problems]:
    """Return the valid exposures, and the problem of each invalid one by its index."""
    return _read_batch(
        batch, now, ExposureColumns(), _read_exposure_chunk, _read_single_exposure
    )


def read_rewards(
    batch: Sequence[object], now: datetime
) -> tuple[RewardColumns, Problems]:
    """Return the valid rewards, and the problem of each invalid one by its index."""
    return _read_batch(
        batch, now, RewardColumns(), _read_reward_chunk, _read_single_reward
    )


def _read_batch(
    batch: Sequence[object],
    now: datetime,
    columns: Columns,
    read_chunk: Callable[[Sequence[Any], int, datetime], Columns],
    read_single: Callable[[object, int, datetime], Columns],
) -> tuple[Columns, Problems]:
    problems: Problems = {}
    for start in range(0, len(batch), CHUNK_SIZE):
        chunk = batch[start : start + CHUNK_SIZE]
        try:
            columns.extend(read_chunk(chunk, start, now))
        except NOT_ORDINARY:
            for index, event in enumerate(chunk, start):
                try:
                    columns.extend(read_single(event, index, now))
                except InvalidItemError as error:
                    problems[index] = forget_trace(error)
    return columns, problems


def _read_single_exposure(event: object, index: int, now: datetime) -> ExposureColumns:
    exposure = events.read_exposure(event, now)
    return ExposureColumns(
        indexes=[index],
        anonymous_ids=[exposure.anonymous_id],
        optimization_ids=[str(exposure.optimization_id)],
        timestamps=[exposure.timestamp],
        keys=[exposure.key],
        variants=[exposure.variant],
        contexts=[exposure.context],
        policy_versions=[exposure.policy_version],
    )


def _read_single_reward(event: object, index: int, now: datetime) -> RewardColumns:
    reward = events.read_reward(event, now)
    named_id = reward.optimization_id
    return RewardColumns(
        indexes=[index],
        anonymous_ids=[reward.anonymous_id],
        optimization_ids=[None if named_id is None else str(named_id)],
        timestamps=[reward.timestamp],
        keys=[reward.key],
        names=[reward.name],
        values=[reward.value],
        properties=[reward.properties],
    )


def _read_exposure_chunk(
    chunk: Sequence[Any], start: int, now: datetime
) -> ExposureColumns:
    """Read ordinary exposures. Raises one of NOT_ORDINARY if one may not be ordinary."""
    columns = ExposureColumns(
        variants=[event["variant"] for event in chunk],
        contexts=[
            {} if context is None else context for context in _get(chunk, "context")
        ],
        policy_versions=_get(chunk, "policy_version"),
    )
    _read_shared_columns(columns, chunk, start, now)
    _require(None not in columns.optimization_ids)
    _require(set(map(type, columns.variants)) == {dict})
    _require(set(map(type, columns.contexts)) == {dict})
    versions = _drop_none(columns.policy_versions)
    if versions:
        _require(set(map(type, versions)) == {int})
        _require(min(versions) >= 0 and max(versions) < 2**31)
    return columns


def _read_reward_chunk(
    chunk: Sequence[Any], start: int, now: datetime
) -> RewardColumns:
    """Read ordinary rewards. Raises one of NOT_ORDINARY if one may not be ordinary."""
    values = [event.get("value", 1.0) for event in chunk]
    _require({int, float}.issuperset(map(type, values)))
    largest = events.MAX_ABSOLUTE_VALUE
    _require(-largest <= min(values) and max(values) <= largest)
    _require(all(map(math.isfinite, values)))  # a NaN is neither smaller nor larger
    columns = RewardColumns(
        names=[event["name"] for event in chunk],
        values=list(map(float, values)),
        properties=[
            None if properties is None else events.read_properties(properties)
            for properties in _get(chunk, "properties")
        ],
    )
    _check_texts(columns.names, events.MAX_NAME_LENGTH)
    _read_shared_columns(columns, chunk, start, now)
    return columns


def _read_shared_columns(
    columns: EventColumns, chunk: Sequence[Any], start: int, now: datetime
) -> None:
    columns.indexes = list(range(start, start + len(chunk)))
    columns.anonymous_ids = [event["anonymous_id"] for event in chunk]
    _require(
        are_plain_ids(columns.anonymous_ids)
        or not any(map(find_anonymous_id_problem, columns.anonymous_ids))
    )
    columns.optimization_ids = _read_optimization_ids(_get(chunk, "optimization_id"))
    columns.timestamps = _read_timestamps(_get(chunk, "timestamp"), now)
    columns.keys = _get(chunk, "idempotency_key")
    if keys := _drop_none(columns.keys):
        _check_texts(keys, MAX_IDEMPOTENCY_KEY_LENGTH)


def _read_optimization_ids(texts: Column) -> list[str | None]:
    canonical = {text: None if text is None else text.lower() for text in set(texts)}
    _require(all(is_uuid(text) for text in canonical if text is not None))
    return [canonical[text] for text in texts]


def _read_timestamps(texts: Column, now: datetime) -> list[datetime]:
    if texts.count(None) == len(texts):
        return [now] * len(texts)
    moments = [now if text is None else datetime.fromisoformat(text) for text in texts]
    _require(now - events.MAX_EVENT_AGE <= min(moments))  # TypeError without an offset
    _require(max(moments) <= now + events.MAX_EVENT_LEAD)
    return [
        moment if moment.tzinfo is UTC else moment.astimezone(UTC) for moment in moments
    ]


def _check_texts(texts: Column, max_length: int) -> None:
    joined = "".join(texts)  # TypeError for what is no text
    _require("\0" not in joined)
    joined.encode()  # UnicodeEncodeError for a lone surrogate
    lengths = list(map(len, texts))
    _require(min(lengths) >= 1 and max(lengths) <= max_length)


def _get(chunk: Sequence[Any], name: str) -> Column:
    return [event.get(name) for event in chunk]


def _drop_none(column: Column) -> Column:
    return [value for value in column if value is not None]


def _require(is_ordinary: object) -> None:
    if not is_ordinary:
        raise ValueError("not ordinary")
