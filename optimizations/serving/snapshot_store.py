"""Load snapshots from memory, the cache or the database, and publish new ones."""

import time
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from levered_site.errors import UnavailableError
from optimizations.models import Optimization
from optimizations.serving import (
    database_timeout,
    snapshot_cache,
    snapshot_loader,
    snapshot_memory,
)
from optimizations.serving.snapshot import Snapshot
from optimizations.serving.snapshot_memory import CachedSnapshot

log = structlog.get_logger(__name__)

# Without the cache: how long a copy serves before the database is asked again.
UNCACHED_RECHECK_SECONDS = 1.0
# An older copy is compared with the database in the background, beside the request.
BACKGROUND_RECHECK_SECONDS = 2.0
# An older copy makes the request wait for the comparison, so that a lost publish is
# noticed within this time.
BLOCKING_RECHECK_SECONDS = 5.0


def load_snapshot(optimization_id: str, newest_version: bytes | None) -> Snapshot:
    """Return the newest snapshot.

    `newest_version` is the cache's value of `snapshot_cache.build_version_key`. If it is
    None (no such key, or the cache is away) or no number, the database is asked, at most
    once a second.
    Raises NotFoundError for an unknown or deleted id; UnavailableError when this process
    has no copy and the database does not answer.
    """
    copy = snapshot_memory.get_cached(optimization_id)
    version = snapshot_cache.parse_version(newest_version)
    if version is None:
        if copy is not None and copy.age() < UNCACHED_RECHECK_SECONDS:
            return copy.require_snapshot()
        return _await_lookup(optimization_id, copy)
    if copy is None:
        return _load_first_copy(optimization_id, version)
    if copy.snapshot is None or copy.snapshot.version < version:
        return _load_newer(optimization_id, version)
    if copy.age() > BLOCKING_RECHECK_SECONDS:
        return _await_lookup(optimization_id, copy)
    if copy.age() > BACKGROUND_RECHECK_SECONDS:
        snapshot_memory.start_lookup(optimization_id)
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


def _load_newer(optimization_id: str, version: int) -> Snapshot:
    """Ask the cache that names a newer version; the database where it has none."""
    copy = _load_from_cache(optimization_id, version)
    if copy is None:
        return _await_lookup(optimization_id, None, republishes=True)
    return copy.require_snapshot()


def _await_lookup(
    optimization_id: str, copy: CachedSnapshot | None, *, republishes: bool = False
) -> Snapshot:
    """Ask the database; fall back on the copy when the database does not answer."""
    try:
        return database_timeout.await_result(
            snapshot_memory.start_lookup(optimization_id, republishes=republishes)
        ).require_snapshot()
    except (DatabaseError, UnavailableError) as error:
        if copy is None:
            raise UnavailableError(
                database_timeout.DATABASE_AWAY_MESSAGE, retry_after=1
            ) from error
        log.warning("snapshot.stale", optimization_id=optimization_id)
        return copy.require_snapshot()


def _load_from_cache(optimization_id: str, version: int) -> CachedSnapshot | None:
    """Return the cached snapshot unless it is missing, unreadable or older."""
    snapshot = snapshot_cache.read_snapshot(optimization_id)
    if snapshot is None or snapshot.version < version:
        return None
    return snapshot_memory.put_copy(optimization_id, snapshot)


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
    # No partial: Django asks a robust callback that fails for its name, and fails itself.
    transaction.on_commit(lambda: publish_snapshot(str(optimization_id)), robust=True)


def publish_snapshot(optimization_id: str) -> None:
    """Write the optimization's state to the cache, where every process sees it.

    This process sees it at once.
    """
    as_of = time.monotonic()
    snapshot = snapshot_loader.query_snapshot(optimization_id)
    snapshot_memory.put_copy(optimization_id, snapshot, as_of)
    if snapshot is None:
        snapshot_cache.remove_snapshot(optimization_id)
    else:
        snapshot_cache.write_snapshot(snapshot)
