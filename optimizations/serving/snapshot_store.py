"""Publish snapshots, and load them: from memory, then the cache, then the database."""

import os
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Lock
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from levered_site.api import rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import NotFoundError, UnavailableError
from optimizations.models import Optimization
from optimizations.serving import database_timeout, snapshot_loader
from optimizations.serving.snapshot import NOT_FOUND_MESSAGE, Snapshot

log = structlog.get_logger(__name__)

# Without the cache: how long a copy serves before the database is asked again.
UNCACHED_RECHECK_SECONDS = 1.0
# An older copy is compared with the database in the background, beside the request.
BACKGROUND_RECHECK_SECONDS = 2.0
# An older copy makes the request wait for the comparison, so that a lost publish is
# noticed within this time.
BLOCKING_RECHECK_SECONDS = 5.0
# Longer than snapshot_poller.POLL_SECONDS. Together they are how long a barred variant is
# still served to those who have it: half a second.
SETTLE_SECONDS = 0.3
CACHE_TTL_SECONDS = 7 * 86_400  # a process that misses an expired key publishes again
MAX_CACHED_SNAPSHOTS = 5000  # also bounds the memory that invented ids can take

# The cached version never decreases: of two publishers the newer state wins.
PUBLISH_SCRIPT = """
local cached = tonumber(redis.call('GET', KEYS[1]) or '-1')
if tonumber(ARGV[1]) < cached then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class _CachedSnapshot:
    """A copy in this process; `snapshot` is None for an unknown id.

    `loaded_at` is monotonic time, and so is `epoch_since`: when this process saw the
    snapshot's assignments_epoch begin; 0 if it began before.
    """

    snapshot: Snapshot | None
    loaded_at: float
    epoch_since: float = 0.0

    def require_snapshot(self) -> Snapshot:
        if self.snapshot is None:
            raise NotFoundError(NOT_FOUND_MESSAGE)
        return self.snapshot

    def age(self) -> float:
        return time.monotonic() - self.loaded_at

    def is_newer(self, other: Snapshot | None) -> bool:
        if self.snapshot is None or other is None:
            return False
        return self.snapshot.version > other.version


class _SnapshotCache:
    """The copies of this process, and the lookups that are under way."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything. A fork has no threads to finish its parent's lookups."""
        self._lock = Lock()
        self._copies: OrderedDict[str, _CachedSnapshot] = OrderedDict()
        self._lookups: dict[str, Future[_CachedSnapshot]] = {}

    def get(self, key: str) -> _CachedSnapshot | None:
        return self._copies.get(key)

    def put(self, key: str, snapshot: Snapshot | None) -> _CachedSnapshot:
        """Keep a copy, unless a newer one came in the meantime; return what is kept."""
        with self._lock:
            existing = self._copies.get(key)
            if existing is not None and existing.is_newer(snapshot):
                return existing
            copy = _build_copy(snapshot, existing)
            self._copies[key] = copy
            self._copies.move_to_end(key)
            while len(self._copies) > MAX_CACHED_SNAPSHOTS:
                self._copies.popitem(last=False)
        return copy

    def start_lookup(self, key: str) -> "Future[_CachedSnapshot]":
        """Start a database lookup, or join the one that is under way."""
        with self._lock:
            lookup = self._lookups.get(key)
            if lookup is not None and not lookup.done():
                return lookup
            lookup = self._lookups[key] = database_timeout.start_in_thread(
                self._load_and_publish, key
            )
        # Outside the lock: if the lookup is done already, the callback runs right here
        # and takes the lock.
        lookup.add_done_callback(partial(self._remove_lookup, key))
        return lookup

    def _remove_lookup(self, key: str, lookup: "Future[_CachedSnapshot]") -> None:
        with self._lock:
            if self._lookups.get(key) is lookup:
                del self._lookups[key]

    def _load_and_publish(self, key: str) -> _CachedSnapshot:
        copy = self.put(key, snapshot_loader.query_snapshot(key))
        if copy.snapshot is not None and not _is_published(copy.snapshot):
            _write_to_cache(copy.snapshot)
        return copy


def _build_copy(
    snapshot: Snapshot | None, existing: _CachedSnapshot | None
) -> _CachedSnapshot:
    now = time.monotonic()
    if snapshot is None or existing is None or existing.snapshot is None:
        return _CachedSnapshot(snapshot, now)
    is_same_epoch = existing.snapshot.assignments_epoch == snapshot.assignments_epoch
    return _CachedSnapshot(
        snapshot, now, existing.epoch_since if is_same_epoch else now
    )


_snapshot_cache = _SnapshotCache()
os.register_at_fork(after_in_child=_snapshot_cache.reset)


def build_version_key(optimization_id: str) -> str:
    """Return the cache key that holds the number of the newest version."""
    return f"levered:snapshot:{optimization_id}:version"


def build_content_key(optimization_id: str) -> str:
    """Return the cache key that holds the newest snapshot."""
    return f"levered:snapshot:{optimization_id}"


def find_copy(optimization_id: str) -> Snapshot | None:
    """Return this process's copy, whatever its age; None where there is none."""
    copy = _snapshot_cache.get(optimization_id)
    return None if copy is None else copy.snapshot


def is_settled(snapshot: Snapshot) -> bool:
    """Return whether all processes know the bars that this snapshot knows.

    Until then nobody is redrawn: a process that redraws at once and one that has yet to
    hear of the bar would answer the user now with one variant and now with the other.
    """
    copy = _snapshot_cache.get(snapshot.optimization_id)
    return copy is None or time.monotonic() - copy.epoch_since >= SETTLE_SECONDS


def is_older_copy(optimization_id: str, version: int) -> bool:
    """Return whether this process's copy is older than a version, or missing."""
    snapshot = find_copy(optimization_id)
    return snapshot is None or snapshot.version < version


def is_newer_copy(optimization_id: str, version: int) -> bool:
    """Return whether this process's copy is newer than a version."""
    snapshot = find_copy(optimization_id)
    return snapshot is not None and snapshot.version > version


def start_lookup(optimization_id: str) -> None:
    """Start to load a snapshot from the database, unless that is under way."""
    _snapshot_cache.start_lookup(optimization_id)


def load_snapshot(optimization_id: str, newest_version: bytes | None) -> Snapshot:
    """Return the newest snapshot.

    `newest_version` is the cache's value of `build_version_key`. If it is None (no such
    key, or the cache is away), the database is asked, at most once a second.
    Raises NotFoundError for an unknown or deleted id; UnavailableError when this process
    has no copy and the database does not answer.
    """
    copy = _snapshot_cache.get(optimization_id)
    if newest_version is None:
        if copy is not None and copy.age() < UNCACHED_RECHECK_SECONDS:
            return copy.require_snapshot()
        return _await_lookup(optimization_id, copy)
    version = int(newest_version)
    if copy is None:
        return _load_first_copy(optimization_id, version)
    if copy.snapshot is None or copy.snapshot.version < version:
        copy = _load_from_cache(optimization_id, version)
        return copy.require_snapshot() if copy else _await_lookup(optimization_id, None)
    if copy.age() > BLOCKING_RECHECK_SECONDS:
        return _await_lookup(optimization_id, copy)
    if copy.age() > BACKGROUND_RECHECK_SECONDS:
        _snapshot_cache.start_lookup(optimization_id)
    return copy.require_snapshot()


def _load_first_copy(optimization_id: str, version: int) -> Snapshot:
    """Ask the database, whose state is never behind; the cache where it is away.

    A cache that crashed may have lost the newest state. A process that has served before
    would notice.
    """
    try:
        return _await_lookup(optimization_id, None)
    except UnavailableError:
        copy = _load_from_cache(optimization_id, version)
        if copy is None:
            raise
        return copy.require_snapshot()


def _await_lookup(optimization_id: str, copy: _CachedSnapshot | None) -> Snapshot:
    """Ask the database; fall back on the copy when the database does not answer."""
    try:
        return database_timeout.await_result(
            _snapshot_cache.start_lookup(optimization_id)
        ).require_snapshot()
    except (DatabaseError, UnavailableError) as error:
        if copy is None:
            raise UnavailableError(
                database_timeout.DATABASE_AWAY_MESSAGE, retry_after=1
            ) from error
        log.warning("snapshot.stale", optimization_id=optimization_id)
        return copy.require_snapshot()


def _load_from_cache(optimization_id: str, version: int) -> _CachedSnapshot | None:
    """Return the cached snapshot unless it is missing, unreadable or older."""
    try:
        data = rate_limits.get_redis_client().get(build_content_key(optimization_id))
    except CACHE_ERRORS:
        return None
    return store_cached_copy(optimization_id, version, data)


def store_cached_copy(
    optimization_id: str, version: int, data: object
) -> _CachedSnapshot | None:
    """Keep what the cache holds; None if it is missing, unreadable or older."""
    if not isinstance(data, bytes):
        return None
    try:
        snapshot = Snapshot.from_bytes(data)
    except ValueError:
        return None
    if snapshot.version < version:
        return None
    return _snapshot_cache.put(optimization_id, snapshot)


def publish_on_commit(
    optimization_id: UUID, *, forgets_assignments: bool = False
) -> None:
    """Increase snapshot_version now, and publish the snapshot on commit.

    Call inside the transaction that changes what serving must see. With
    `forgets_assignments` no process relies any longer on assignments that it remembers.
    If the publish is lost (a killed process, a cache away), each process finds the
    change in the database within BLOCKING_RECHECK_SECONDS.
    """
    Optimization.objects.filter(pk=optimization_id).update(
        snapshot_version=F("snapshot_version") + 1,
        assignments_epoch=F("assignments_epoch") + int(forgets_assignments),
    )
    transaction.on_commit(partial(publish_snapshot, str(optimization_id)), robust=True)


def publish_snapshot(optimization_id: str) -> None:
    """Write the optimization's state to the cache, where every process sees it.

    This process sees it at once.
    """
    snapshot = snapshot_loader.query_snapshot(optimization_id)
    _snapshot_cache.put(optimization_id, snapshot)
    if snapshot is None:
        remove_snapshot(optimization_id)
    else:
        _write_to_cache(snapshot)


def remove_snapshot(optimization_id: str) -> None:
    """Remove a deleted optimization from the cache."""
    try:
        rate_limits.get_redis_client().delete(
            build_version_key(optimization_id), build_content_key(optimization_id)
        )
    except CACHE_ERRORS as error:
        log.warning("snapshot.unpublished", error=str(error))


def _is_published(snapshot: Snapshot) -> bool:
    try:
        version = rate_limits.get_redis_client().get(
            build_version_key(snapshot.optimization_id)
        )
    except CACHE_ERRORS:
        return True  # without the cache there is nothing to publish to
    return version is not None and int(version) >= snapshot.version


def _write_to_cache(snapshot: Snapshot) -> None:
    key = snapshot.optimization_id
    try:
        rate_limits.get_redis_client().eval(
            PUBLISH_SCRIPT,
            2,
            build_version_key(key),
            build_content_key(key),
            str(snapshot.version),
            snapshot.to_bytes(),
            str(CACHE_TTL_SECONDS),
        )
    except CACHE_ERRORS as error:
        log.warning("snapshot.unpublished", optimization_id=key, error=str(error))
