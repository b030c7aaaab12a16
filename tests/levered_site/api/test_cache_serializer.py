"""The cache holds JSON: nothing that is read from Redis runs code."""

import pickle
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache

VALUES: tuple[Any, ...] = (
    *(1, 0, -5, 2.5, 1.0, True, False, None, "text", "12", ""),
    *([1, 2.0, None], {"a": [1, {"b": "c"}]}),
)


class Harmful:
    """Runs a function where it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return pytest.fail, ("The cache ran code.",)


@pytest.mark.parametrize("value", VALUES)
def test_values_come_back_with_their_types(value: Any) -> None:
    cache.set("typed", value)

    found = cache.get("typed")

    assert (found, type(found)) == (value, type(value))


def test_integers_are_counted_by_redis() -> None:
    cache.set("count", 1)

    assert cache.incr("count", 2) == 3
    assert cache.get("count") == 3


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: "a"},
        datetime(2026, 3, 2, tzinfo=UTC),
        uuid.uuid4(),
        b"a",
        {1},
        float("nan"),
        [()],
    ],
)
def test_what_json_would_change_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        cache.set("odd", value)


@pytest.mark.parametrize(
    "data", [pickle.dumps(Harmful()), pickle.dumps(1), b"", b"\xff", b"{", b"nan"]
)
def test_what_is_no_json_counts_as_absent_and_runs_nothing(data: bytes) -> None:
    cache.set("written", 1)
    django_cache: Any = cache
    key = cache.make_key("written")
    django_cache._cache.get_client(key, write=True).set(key, data)

    assert cache.get("written") is None
