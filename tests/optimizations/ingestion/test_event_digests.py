"""Digests of events: equal exactly for equal events, and compared but for absent times."""

from datetime import UTC, datetime, timedelta

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


@given(st.lists(REWARDS, min_size=1, max_size=6))
def test_events_have_the_same_digest_exactly_if_they_are_equal(
    rewards: list[tuple[str, ...]],
) -> None:
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

    digests = event_digests.compute_reward_digests(columns, NOW)

    assert [digest is None for digest in digests] == [key is None for key in keys]
    for one, first in zip(digests, rewards, strict=True):
        for other, second in zip(digests, rewards, strict=True):
            if one is not None and other is not None:
                assert (one == other) == (first == second)
                is_same = first[:3] + first[4:] == second[:3] + second[4:]
                assert event_digests.is_repeat(one, other) == (
                    is_same and (first[3] == second[3] or NOW in (first[3], second[3]))
                )
