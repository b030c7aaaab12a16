"""The snapshots of this process: copies in memory, and look-ups under way."""

import os
import time
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Lock

from django.conf import settings

from levered_site.errors import NotFoundError
from optimizations.serving import database_timeout, snapshot_cache, snapshot_loader
from optimizations.serving.bounded_copies import BoundedCopies
from optimizations.serving.snapshot import NOT_FOUND_MESSAGE, Snapshot

# Longer than snapshot_poller.POLL_SECONDS. Together they are how long a barred variant is
# still served to those who have it: half a second.
SETTLE_SECONDS = 0.3
MAX_CACHED_SNAPSHOTS = 5000  # also bounds the memory that invented ids can take
NOBODY = ""  # owns the ids that are unknown
UNKNOWN_ID_BYTES = 500


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """A copy in this process; `snapshot` is None for an unknown id.

    `loaded_at` is monotonic time, and so is `barred_at`: when this process saw the barred
    variants change; 0 if it has seen no others.
    """

    snapshot: Snapshot | None
    loaded_at: float
    barred_at: float = 0.0

    def require_snapshot(self) -> Snapshot:
        """Return the snapshot. Raises NotFoundError for an unknown id."""
        if self.snapshot is None:
            raise NotFoundError(NOT_FOUND_MESSAGE)
        return self.snapshot

    def age(self) -> float:
        """Return the seconds since it was loaded."""
        return time.monotonic() - self.loaded_at

    def is_newer(self, other: Snapshot | None, as_of: float | None = None) -> bool:
        """Return whether it is newer than a snapshot.

        Not where it was there already when the database answered with `other`, which is
        `as_of` in monotonic time: whatever is published was committed before.
        """
        if self.snapshot is None or other is None:
            return False
        if as_of is not None and self.loaded_at < as_of:
            return False
        return self.snapshot.version > other.version


class _SnapshotMemory:
    """The copies of this process, and the lookups that are under way."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything. A fork has no threads to finish its parent's lookups."""
        self._lock = Lock()
        self._copies: BoundedCopies[CachedSnapshot] = BoundedCopies()
        self._lookups: dict[str, Future[CachedSnapshot]] = {}

    def get(self, key: str) -> CachedSnapshot | None:
        return self._copies.get(key)

    def is_kept(self, snapshot: Snapshot) -> bool:
        copy = self._copies.peek(snapshot.optimization_id)
        return copy is not None and copy.snapshot is snapshot

    def put(
        self, key: str, snapshot: Snapshot | None, as_of: float | None = None
    ) -> CachedSnapshot:
        """Keep a copy, unless a newer one came in the meantime; return what is kept.

        `as_of` is the monotonic time at which the database was asked. A copy that was
        there before and is newer is of no publish of ours, and replaced.
        """
        with self._lock:
            existing = self._copies.get(key)
            if existing is not None and existing.is_newer(snapshot, as_of):
                return existing
            copy = _build_copy(snapshot, existing)
            self._copies.put(
                key,
                copy,
                owner=snapshot.organization_id if snapshot else NOBODY,
                size=snapshot.estimate_bytes() if snapshot else UNKNOWN_ID_BYTES,
                max_count=MAX_CACHED_SNAPSHOTS,
                max_bytes=settings.SNAPSHOT_MEMORY_BYTES,
            )
        return copy

    def start_lookup(
        self, key: str, *, republishes: bool = False
    ) -> "Future[CachedSnapshot]":
        """Start a database lookup, or join the one that is under way."""
        with self._lock:
            lookup = self._lookups.get(key)
            if lookup is not None and not lookup.done():
                return lookup
            lookup = self._lookups[key] = database_timeout.start_in_thread(
                partial(self._load_and_publish, key, republishes=republishes)
            )
        # Outside the lock: if the lookup is done already, the callback runs right here
        # and takes the lock.
        lookup.add_done_callback(partial(self._remove_lookup, key))
        return lookup

    def _remove_lookup(self, key: str, lookup: "Future[CachedSnapshot]") -> None:
        with self._lock:
            if self._lookups.get(key) is lookup:
                del self._lookups[key]

    def _load_and_publish(self, key: str, *, republishes: bool) -> CachedSnapshot:
        cached_version = snapshot_cache.read_version(key)
        as_of = time.monotonic()
        copy = self.put(key, snapshot_loader.query_snapshot(key), as_of)
        if copy.snapshot is not None:
            snapshot_cache.correct_cache(
                copy.snapshot, cached_version, republishes=republishes
            )
        return copy


def _build_copy(
    snapshot: Snapshot | None, existing: CachedSnapshot | None
) -> CachedSnapshot:
    now = time.monotonic()
    if snapshot is None or existing is None or existing.snapshot is None:
        return CachedSnapshot(snapshot, now)
    is_same = existing.snapshot.unservable_numbers == snapshot.unservable_numbers
    return CachedSnapshot(snapshot, now, existing.barred_at if is_same else now)


_memory = _SnapshotMemory()
os.register_at_fork(after_in_child=_memory.reset)


def find_copy(optimization_id: str) -> Snapshot | None:
    """Return this process's copy, whatever its age; None where there is none."""
    copy = _memory.get(optimization_id)
    return None if copy is None else copy.snapshot


def is_kept(snapshot: Snapshot) -> bool:
    """Return whether this very snapshot is among this process's copies."""
    return _memory.is_kept(snapshot)


def is_settled(snapshot: Snapshot) -> bool:
    """Return whether all processes know the bars that this snapshot knows.

    Until then nobody is redrawn: a process that redraws at once and one that has yet to
    hear of the bar would answer the user now with one variant and now with the other.
    """
    copy = _memory.get(snapshot.optimization_id)
    return copy is None or time.monotonic() - copy.barred_at >= SETTLE_SECONDS


def is_older_copy(optimization_id: str, version: int) -> bool:
    """Return whether this process's copy is older than a version, or missing."""
    snapshot = find_copy(optimization_id)
    return snapshot is None or snapshot.version < version


def is_newer_copy(optimization_id: str, version: int) -> bool:
    """Return whether this process's copy is newer than a version."""
    snapshot = find_copy(optimization_id)
    return snapshot is not None and snapshot.version > version


def has_version(optimization_id: str, version: int) -> bool:
    """Return whether this process's copy is of this version."""
    snapshot = find_copy(optimization_id)
    return snapshot is not None and snapshot.version == version


def start_lookup(
    optimization_id: str, *, republishes: bool = False
) -> "Future[CachedSnapshot]":
    """Start to load a snapshot from the database, or join the look-up under way.

    With `republishes` the cache's content is written again, whatever its version. The
    future may raise DatabaseError.
    """
    return _memory.start_lookup(optimization_id, republishes=republishes)


def get_cached(optimization_id: str) -> CachedSnapshot | None:
    """Return this process's copy with its age; None where there is none."""
    return _memory.get(optimization_id)


def put_copy(
    optimization_id: str, snapshot: Snapshot | None, as_of: float | None = None
) -> CachedSnapshot:
    """Keep a copy, unless a newer one came in the meantime; return what is kept.

    `as_of` is the monotonic time at which the database was asked; None for a snapshot of
    the cache.
    """
    return _memory.put(optimization_id, snapshot, as_of)
