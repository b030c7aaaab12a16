"""A value that all events of a batch have is sent once, and stored as if it were not."""

import itertools
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from tests.support.factories import Api, read_body
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

# Of two rewards each: equal in one field and different in the other.
VALUES: dict[str, tuple[Any, Any]] = {
    "name": ('a "b" \\ {c}, é', "NULL"),
    "properties": ({"x": 'y "z" \\'}, {}),
    "value": (1e22 / 1e9, -0.5),
}
STORED = ("optimization_id", "name", "value", "properties", "timestamp_utc")


def _store_rewards(api: Api, rewards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Store a batch; return what is stored of each, in its order."""
    ManagedReward.objects.all().delete()
    response = api.post("/ingest/rewards", {"events": rewards})
    assert read_body(response)["accepted"] == len(rewards)
    rows = ManagedReward.objects.order_by("anonymous_id")
    return [dict(row) for row in rows.values(*STORED)]


def test_a_batch_stores_what_its_events_alone_would(
    api: Api, optimization: Optimization
) -> None:
    now = timezone.now()
    choices: dict[str, tuple[Any, Any]] = {
        **VALUES,
        "timestamp": (now.isoformat(), (now.replace(microsecond=1)).isoformat()),
        "optimization_id": (str(optimization.pk), None),
    }
    for equal in itertools.product([True, False], repeat=len(choices)):
        pairs = [
            (first, first if is_equal else second)
            for (first, second), is_equal in zip(choices.values(), equal, strict=True)
        ]
        rewards = [
            {"anonymous_id": f"u{place}", **dict(zip(choices, values, strict=True))}
            for place, values in enumerate(zip(*pairs, strict=True))
        ]

        together = _store_rewards(api, rewards)

        alone = [_store_rewards(api, [reward])[0] for reward in rewards]
        assert together == alone


@pytest.mark.parametrize("keys", [(None, None), ("k1", "k2"), ("k1", None)])
@pytest.mark.parametrize("versions", [(1, 1), (None, None), (1, None)])
def test_exposures_of_one_optimization_keep_their_own_values(
    api: Api,
    optimization: Optimization,
    keys: tuple[str | None, str | None],
    versions: tuple[int | None, int | None],
) -> None:
    variant = optimization.variants.get(number=1).levels
    events = [
        {
            "anonymous_id": f"u{place}",
            "optimization_id": str(optimization.pk),
            "variant": variant,
            "policy_version": version,
            "idempotency_key": key,
        }
        for place, (key, version) in enumerate(zip(keys, versions, strict=True))
    ]

    accepted = [api.post("/ingest/exposures", {"events": events}) for _ in range(2)]

    repeated = sum(key is None for key in keys)
    assert [read_body(each)["accepted"] for each in accepted] == [2, repeated]
    rows = ManagedExposure.objects.order_by("id").values_list(
        "anonymous_id", "policy_version", "optimization_id"
    )
    first = [(f"u{place}", version) for place, version in enumerate(versions)]
    assert list(rows)[:2] == [(*each, optimization.pk) for each in first]
