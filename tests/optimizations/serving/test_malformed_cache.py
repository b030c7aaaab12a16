"""Whatever others write to Redis under our keys, serve answers by the database."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from levered_site.api import rate_limits
from optimizations.models import Optimization
from optimizations.serving import (
    new_user_cap,
    snapshot_cache,
    snapshot_loader,
    snapshot_memory,
)
from optimizations.serving.snapshot import Snapshot
from optimizations.serving.snapshot_bytes import parse_snapshot_bytes
from tests.support import serve_front
from tests.support.factories import Api
from tests.support.optimization_factories import make_live_optimization
from tests.support.running_service import until
from tests.support.serve_front import Front

pytestmark = pytest.mark.django_db(transaction=True)

HUGE_VERSION = 10**17
MALFORMED_FIELDS: tuple[tuple[str, Any], ...] = (
    *(("version", "7"), ("version", True), ("version", -1), ("version", 2**70)),
    *(("status", None), ("status", "alive"), ("status", ["live"])),
    *(("holdout_percentage", "10"), ("holdout_percentage", 101)),
    *(("holdout_threshold", 5), ("holdout_threshold", "zz")),
    *(("public_policy", 1), ("allowed_origins", "https://a.com")),
    *(("allowed_origins", [1]), ("cards", []), ("cards", {"a": 1}), ("cards", [[1]])),
    ("cards", [[1, "k", ["a"], True], [2, "k", {"a": "b"}, True]]),
    ("cards", [[2, "k", {"a": "b"}, True], [1, "k", {"a": "c"}, True]]),
    ("cards", [[1, "k", {"a": {}}, True], [2, "k", {"a": "b"}, "yes"]]),
    *(("contexts", None), ("contexts", [["a", "bc"]]), ("contexts", [[1, []]])),
    *(("policy_version", 1.5), ("policy_version", 2**31), ("shape", [1])),
    *(("shape", [-1, -2]), ("shape", None), ("leading", [0]), ("leading", [None])),
    *(("leading", []), ("assignments_epoch", "1"), ("organization_id", 5)),
    *(("optimization_id", ""), ("format", "2"), ("unknown", 1)),
)


def _pop(name: str, fields: dict[str, Any]) -> None:
    del fields[name]


def _load(optimization: Optimization) -> Snapshot:
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    return snapshot


def _rewrite_header(
    snapshot: Snapshot, change: Callable[[dict[str, Any]], Any]
) -> bytes:
    line, _, table = snapshot.to_bytes().partition(b"\n")
    fields = json.loads(line)
    change(fields)
    return json.dumps(fields).encode() + b"\n" + table


def _write(optimization: Optimization, version: object, content: bytes) -> None:
    key = str(optimization.pk)
    client = rate_limits.get_redis_client()
    client.set(snapshot_cache.build_content_key(key), content)
    client.set(snapshot_cache.build_version_key(key), str(version))


def _serve(optimization: Optimization, user: str = "u1") -> int:
    path = f"/optimizations/{optimization.pk}/serve"
    return int(Api().post(path, {"anonymous_id": user}).status_code)


def _is_cured(optimization: Optimization) -> bool:
    """Return whether the cache holds the database's state, and this process too."""
    key = str(optimization.pk)
    snapshot = _load(optimization)
    if snapshot_cache.read_version(key) != str(snapshot.version).encode():
        return False
    cached = snapshot_cache.read_snapshot(key)
    copy = snapshot_memory.find_copy(key)
    return (
        cached is not None
        and cached.to_bytes() == snapshot.to_bytes()
        and copy is not None
        and copy.to_bytes() == snapshot.to_bytes()
    )


@pytest.mark.parametrize(("name", "value"), MALFORMED_FIELDS)
def test_a_cached_snapshot_with_a_field_of_another_type_counts_as_missing(
    name: str, value: object
) -> None:
    snapshot = _load(make_live_optimization())
    key = snapshot.optimization_id
    data = _rewrite_header(snapshot, lambda fields: fields.update({name: value}))

    assert snapshot_cache.parse_snapshot(snapshot.to_bytes(), key) is not None
    assert snapshot_cache.parse_snapshot(data, key) is None


def test_a_cached_snapshot_that_lacks_a_field_counts_as_missing() -> None:
    snapshot = _load(make_live_optimization())
    names = json.loads(snapshot.to_bytes().partition(b"\n")[0])

    for name in names:
        data = _rewrite_header(snapshot, partial(_pop, name))
        assert snapshot_cache.parse_snapshot(data, snapshot.optimization_id) is None


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -0.5, 2.0, 0.0])
def test_a_cached_table_that_holds_no_probabilities_counts_as_missing(
    weight: float,
) -> None:
    snapshot = _load(make_live_optimization())
    table = snapshot.probabilities.copy()
    table[0, :] = weight

    with pytest.raises(ValueError, match="table"):
        parse_snapshot_bytes(replace(snapshot, probabilities=table).to_bytes())


def test_a_cached_table_that_is_cut_off_counts_as_missing() -> None:
    snapshot = _load(make_live_optimization())

    with pytest.raises(ValueError, match="table"):
        parse_snapshot_bytes(snapshot.to_bytes()[:-3])


def test_the_snapshot_of_another_optimization_counts_as_missing() -> None:
    data = _load(make_live_optimization()).to_bytes()

    assert snapshot_cache.parse_snapshot(data, "another id") is None


@pytest.mark.parametrize("is_polled", [False, True])
def test_a_malformed_snapshot_of_a_huge_version_is_replaced_by_the_databases(
    is_polled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    optimization = make_live_optimization()
    with _serving(optimization, is_polled=is_polled):
        data = _rewrite_header(
            _load(optimization),
            lambda fields: fields.update(version=HUGE_VERSION, cards="none"),
        )
        _write(optimization, HUGE_VERSION, data)

        _await_cure(optimization, is_polled=is_polled)

    assert caplog.text.count("snapshot.version_disproved") == 1
    assert caplog.text.count("snapshot.malformed") == 1


@pytest.mark.parametrize("is_polled", [False, True])
def test_a_snapshot_that_nobody_published_is_not_believed_for_long(
    is_polled: bool,
) -> None:
    """It is well-formed, paused, and of a version that the database does not have."""
    optimization = make_live_optimization()
    with _serving(optimization, is_polled=is_polled):
        forged = replace(_load(optimization), version=HUGE_VERSION, status="paused")
        _write(optimization, HUGE_VERSION, forged.to_bytes())

        _await_cure(optimization, is_polled=is_polled)

    assert _serve(optimization, "later") == 200


@pytest.mark.parametrize("is_polled", [False, True])
def test_a_malformed_snapshot_of_the_newest_version_is_written_again(
    is_polled: bool,
) -> None:
    optimization = make_live_optimization()
    with _serving(optimization, is_polled=is_polled):
        Optimization.objects.filter(pk=optimization.pk).update(
            snapshot_version=F("snapshot_version") + 1
        )
        newest = _load(optimization)
        _write(optimization, newest.version, b"[]")

        _await_cure(optimization, is_polled=is_polled)


@pytest.mark.parametrize("is_polled", [False, True])
def test_keys_of_another_redis_type_are_replaced(is_polled: bool) -> None:
    optimization = make_live_optimization()
    with _serving(optimization, is_polled=is_polled):
        client = rate_limits.get_redis_client()
        key = str(optimization.pk)
        keys = (
            snapshot_cache.build_version_key(key),
            snapshot_cache.build_content_key(key),
        )
        client.delete(*keys)
        for each in keys:
            client.rpush(each, "a")

        _await_cure(optimization, is_polled=is_polled)


@contextmanager
def _serving(optimization: Optimization, *, is_polled: bool) -> Iterator[None]:
    """Let this process hold a copy, which it keeps up to date by polling or by asking."""
    snapshot_memory._memory.reset()
    if is_polled:
        with serve_front.polling():
            serve_front.warm_up(Front(), optimization)
            yield
    else:
        assert _serve(optimization) == 200
        yield


def _await_cure(optimization: Optimization, *, is_polled: bool) -> None:
    """Wait until the cache holds the truth, while this process serves or polls."""
    ask = _ask_front if is_polled else _serve
    until(lambda: ask(optimization) < 500 and _is_cured(optimization), 8)


def _ask_front(optimization: Optimization) -> int:
    path = f"/api/v2/optimizations/{optimization.pk}/serve"
    response = Front().post(path, b'{"anonymous_id": "u1", "dry_run": true}')
    return 200 if response is None else response.status


@pytest.mark.parametrize("value", [b"two", b"9" * 30, b"-9", b"", b"1.5"])
def test_a_malformed_count_of_new_users_does_not_fail_and_starts_again(
    value: bytes,
) -> None:
    optimization = make_live_optimization()
    key = new_user_cap.build_cache_key(str(optimization.pk))
    rate_limits.get_redis_client().set(key, value)

    assert _serve(optimization, "new") == 200

    until(lambda: new_user_cap._parse_count(_read(key)) == 1, 5)


def _read(key: str) -> bytes | None:
    value: Any = rate_limits.get_redis_client().get(key)
    return bytes(value) if value is not None else None
