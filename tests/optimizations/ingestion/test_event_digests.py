"""Digests of events: equal exactly for equal events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st

from optimizations.ingestion import event_digests
from optimizations.ingestion.event_columns import RewardColumns

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEXTS = st.lists(
    st.sampled_from(['"', "\\", "u0000", "]", ",", "a", "é"]), max_size=6
).map("".join)
REWARDS = st.tuples(
    st.sampled_from(["k", None]),
    TEXTS,
    st.sampled_from([None, "00000000-0000-0000-0000-000000000001"]),
    st.sampled_from([NOW, NOW - timedelta(hours=1)]),
    TEXTS,
    st.sampled_from([1.0, 10.0, -0.5]),
    st.sampled_from([None, "{}", '{"a":"\\\\u0000\\"]"}']),
)


def compute_digests(rewards: list[tuple[str, ...]]) -> list[str | None]:
    """Return the digests of rewards, given as REWARDS."""
    keys, ids, optimizations, times, names, values, properties = map(
        list, zip(*rewards, strict=True)
    )
    columns = RewardColumns(
        indexes=list(range(len(rewards))),
        anonymous_ids=ids,
        optimization_ids=optimizations,
        timestamps=times,
        keys=keys,
        names=names,
        values=values,
        properties=properties,
    )
    return event_digests.compute_reward_digests(columns, NOW)


@given(st.lists(REWARDS, min_size=1, max_size=6))
def test_events_have_the_same_digest_exactly_if_they_are_equal(
    rewards: list[tuple[str, ...]],
) -> None:
    digests = compute_digests(rewards)

    assert [digest is None for digest in digests] == [row[0] is None for row in rewards]
    for one, first in zip(digests, rewards, strict=True):
        for other, second in zip(digests, rewards, strict=True):
            if None not in (one, other):
                assert (one == other) == (first == second)


@given(REWARDS, REWARDS, st.booleans())
def test_a_repeat_gives_no_field_that_differs_from_what_the_first_event_had(
    one: tuple[Any, ...], other: tuple[Any, ...], omits_value: bool
) -> None:
    first, again = compute_digests([("k", *one[1:]), ("k", *other[1:])])
    assert first is not None
    assert again is not None

    is_repeat = event_digests.is_repeat(first, again, omits_default=omits_value)

    _, user, optimization, at, name, value, properties = other
    assert is_repeat == (
        (user, name) == (one[1], one[4])
        and optimization in (None, one[2])
        and (NOW in (at, one[3]) or at == one[3])  # not sent, or the server's
        and (omits_value or value == one[5])
        and properties in (None, one[6])
    )
