"""The reader of batches accepts and refuses what the reader of single events does."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from levered_site import anonymous_ids
from levered_site.errors import InvalidItemError
from levered_site.ids import UUID_PROBLEM
from optimizations.ingestion import batch_reader, events
from optimizations.ingestion.batch_reader import CHUNK_SIZE
from optimizations.ingestion.event_columns import EventColumns, Problems

NOW = datetime(2026, 3, 28, 14, 22, 0, 123456, tzinfo=UTC)
OPTIMIZATION = "3F2B8C1E-6f0d-4a55-9a1c-0d5f1f0e7a11"
ABSENT = object()

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
)
rubbish = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
timestamps = st.sampled_from(
    [
        "2026-03-28T14:22:00Z",
        "2026-03-28 14:22:00.5+02:00",
        "2026-03-27T00:00:00-11:30",
        "20260328T142200Z",
        "2026-W13-6T10:00+00:00:01.5",
        "2026-03-28T14:22:00",
        "2026-03-28",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        (NOW + timedelta(days=1)).isoformat(),
        (NOW + timedelta(days=1, microseconds=1)).isoformat(),
        (NOW - timedelta(days=400)).isoformat(),
        (NOW - timedelta(days=400, microseconds=1)).isoformat(),
        "soon",
        "",
    ]
)
ids = st.sampled_from(
    [
        *("ann", "é" * 256, "x" * 257, "", " ", "a\n", "a\0", "\ud800", "a\u00a0b"),
        *sorted(anonymous_ids.PLACEHOLDER_IDS),
    ]
)
OTHER_FORMS = (
    f"urn:uuid:{OPTIMIZATION}",
    f"{{{OPTIMIZATION}}}",
    OPTIMIZATION.replace("-", ""),
    f"{OPTIMIZATION}\n",
    f" {OPTIMIZATION}",
    OPTIMIZATION.replace("0", "\uff10"),
)
optimization_ids = st.sampled_from(
    [OPTIMIZATION, OPTIMIZATION.lower(), *OTHER_FORMS, "1", "", "x" * 36]
)
texts = st.sampled_from(["signup", "n" * 200, "n" * 201, "n" * 255, "", "\0", "\udfff"])
objects = st.dictionaries(st.sampled_from("abc"), scalars, max_size=3)
values = (
    st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from([0, -0.0, 1e15, -1e15, 1e16, True, "1", math.nan, math.inf])
)
versions = st.sampled_from([0, 3, -1, 2**31 - 1, 2**31, 1.0, True, "1"])


def _strategy_of_events(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Build objects of these fields: mostly as given, some absent, null or rubbish."""
    anything = {
        name: strategy | st.none() | st.just(ABSENT) | rubbish
        for name, strategy in (fields | {"unknown": rubbish}).items()
    }
    return st.fixed_dictionaries(anything).map(_drop_absent) | rubbish


def _drop_absent(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if value is not ABSENT}


exposures = _strategy_of_events(
    anonymous_id=ids,
    optimization_id=optimization_ids,
    variant=objects,
    context=objects,
    timestamp=timestamps,
    policy_version=versions,
    idempotency_key=texts,
)
rewards = _strategy_of_events(
    anonymous_id=ids,
    optimization_id=optimization_ids,
    name=texts,
    value=values,
    timestamp=timestamps,
    properties=objects,
    idempotency_key=texts,
)
EXPOSURE = {"anonymous_id": "ann", "optimization_id": OPTIMIZATION, "variant": {"a": 1}}
REWARD = {"anonymous_id": "ann", "name": "signup"}


def _describe_problems(problems: Problems) -> dict[int, tuple[str, str]]:
    return {
        index: (problem.field, problem.message) for index, problem in problems.items()
    }


def _build_batch(strange: list[Any], ordinary: Any) -> list[Any]:
    """Build a batch of three chunks, the strange events in the first and the second."""
    half = len(strange) // 2
    return [
        *strange[:half],
        *[ordinary] * (CHUNK_SIZE - half),
        *strange[half:],
        *[ordinary] * CHUNK_SIZE,
    ]


@given(st.lists(exposures, max_size=6))
def test_exposures_are_read_as_one_by_one(strange: list[Any]) -> None:
    batch = _build_batch(strange, EXPOSURE)

    columns, problems = batch_reader.read_exposures(batch, NOW)

    expected, expected_problems = [], {}
    for index, event in enumerate(batch):
        try:
            exposure = events.read_exposure(event, NOW)
        except InvalidItemError as error:
            expected_problems[index] = (error.field, error.message)
        else:
            expected.append(
                (
                    index,
                    exposure.anonymous_id,
                    str(exposure.optimization_id),
                    repr(exposure.variant),
                    repr(exposure.context),
                    repr(exposure.timestamp),
                    exposure.policy_version,
                    exposure.key,
                )
            )
    read = zip(
        columns.indexes,
        columns.anonymous_ids,
        columns.optimization_ids,
        map(repr, columns.variants),
        map(repr, columns.contexts),
        map(repr, columns.timestamps),
        columns.policy_versions,
        columns.keys,
        strict=True,
    )
    assert list(read) == expected
    assert _describe_problems(problems) == expected_problems


@given(st.lists(rewards, max_size=6))
def test_rewards_are_read_as_one_by_one(strange: list[Any]) -> None:
    batch = _build_batch(strange, REWARD)

    columns, problems = batch_reader.read_rewards(batch, NOW)

    expected, expected_problems = [], {}
    for index, event in enumerate(batch):
        try:
            reward = events.read_reward(event, NOW)
        except InvalidItemError as error:
            expected_problems[index] = (error.field, error.message)
        else:
            named_id = reward.optimization_id
            expected.append(
                (
                    index,
                    reward.anonymous_id,
                    None if named_id is None else str(named_id),
                    reward.name,
                    repr(reward.value),
                    repr(reward.timestamp),
                    reward.properties,
                    reward.key,
                )
            )
    read = zip(
        columns.indexes,
        columns.anonymous_ids,
        columns.optimization_ids,
        columns.names,
        map(repr, columns.values),
        map(repr, columns.timestamps),
        columns.properties,
        columns.keys,
        strict=True,
    )
    assert list(read) == expected
    assert _describe_problems(problems) == expected_problems


@pytest.mark.parametrize(
    ("chunk", "read"),
    [
        ([EXPOSURE] * 3, batch_reader._read_exposure_chunk),
        ([REWARD] * 3, batch_reader._read_reward_chunk),
    ],
)
def test_ordinary_events_are_read_many_at_a_time(chunk: list[Any], read: Any) -> None:
    columns: EventColumns = read(chunk, 7, NOW)

    assert columns.indexes == [7, 8, 9]
    assert columns.timestamps == [NOW] * 3


def test_an_id_of_an_optimization_is_canonical() -> None:
    columns, _ = batch_reader.read_exposures([EXPOSURE], NOW)

    assert columns.optimization_ids == [str(UUID(OPTIMIZATION))]


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_an_id_of_an_optimization_in_another_form_is_refused_by_index(
    text: str,
) -> None:
    batch = [EXPOSURE, EXPOSURE | {"optimization_id": text}]
    rewards_batch = [REWARD, REWARD | {"optimization_id": text}]

    _, exposure_problems = batch_reader.read_exposures(batch, NOW)
    _, reward_problems = batch_reader.read_rewards(rewards_batch, NOW)

    expected = {1: ("optimization_id", UUID_PROBLEM)}
    assert _describe_problems(exposure_problems) == expected
    assert _describe_problems(reward_problems) == expected
