"""Keep the snapshots in use up to date in the loop, so that no request has to ask.

The web server starts the poller. What the ASGI front serves comes from here; Django's
view asks for the version of its snapshot itself.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog
from django.db import DatabaseError

from levered_site.api import async_redis, cache_counters
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import UnavailableError
from optimizations.serving import (
    database_timeout,
    metrics,
    new_user_cap,
    snapshot_cache,
    snapshot_loader,
    snapshot_memory,
)
from optimizations.serving.snapshot import Snapshot

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2
# How often versions are compared with the database, in case a publish was lost.
DATABASE_POLL_SECONDS = 2.0
DATABASE_POLL_SECONDS_WITHOUT_CACHE = 1.0
# An optimization that nobody asked for in this time is no longer polled.
IDLE_SECONDS = 60.0


class SnapshotPoller:
    """The optimizations that this process serves now, and the task that polls them.

    Neither the cache nor the database has to answer: until one of them names a newer
    version, the copies of this process are served. But a copy that was not polled lately
    is not served: nobody knows how old it is.
    """

    def __init__(self) -> None:
        self._used_at: dict[str, float] = {}
        self._polled: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None
        self._comparison: asyncio.Task[None] | None = None
        self._compared_at = 0.0

    def start(self) -> None:
        """Start polling in the running loop."""
        new_user_cap.set_polled(is_polled=True)
        metrics.defer_counts(is_deferred=True)
        self._task = asyncio.get_running_loop().create_task(self._poll_forever())

    async def stop(self) -> None:
        """Stop polling."""
        new_user_cap.set_polled(is_polled=False)
        metrics.defer_counts(is_deferred=False)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._task = None
        self._polled = frozenset()

    def find(self, optimization_id: str) -> Snapshot | None:
        """Return the newest snapshot; None where this process does not poll it yet."""
        self._used_at[optimization_id] = time.monotonic()
        if optimization_id not in self._polled:
            return None
        return snapshot_memory.find_copy(optimization_id)

    async def _poll_forever(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            metrics.write_counts()
            ids = self._list_ids_in_use()
            try:
                await self._poll(ids)
            except Exception:
                log.exception("snapshots.unpolled")
            self._polled = frozenset(ids)

    async def _poll(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        pause = DATABASE_POLL_SECONDS
        try:
            await self._compare_with_cache(ids)
        except CACHE_ERRORS as error:
            log.warning("snapshots.cache_away", error=str(error))
            pause = DATABASE_POLL_SECONDS_WITHOUT_CACHE
        is_comparing = self._comparison is not None and not self._comparison.done()
        if not is_comparing and time.monotonic() - self._compared_at >= pause:
            self._compared_at = time.monotonic()
            self._comparison = asyncio.get_running_loop().create_task(
                _compare_with_database(ids)
            )

    def _list_ids_in_use(self) -> list[str]:
        oldest = time.monotonic() - IDLE_SECONDS
        self._used_at = {
            optimization_id: used_at
            for optimization_id, used_at in self._used_at.items()
            if used_at >= oldest and snapshot_memory.find_copy(optimization_id)
        }
        return list(self._used_at)

    async def _compare_with_cache(self, ids: Sequence[str]) -> None:
        """Send the counts of new users, and read those of all processes and versions."""
        counts = new_user_cap.take_unsent_counts()
        pipeline = async_redis.get_client().pipeline(transaction=False)
        for key, count in counts.items():
            cache_counters.queue_increment(
                pipeline, key, count, new_user_cap.COUNT_TTL_SECONDS
            )
        pipeline.mget([snapshot_cache.build_version_key(each) for each in ids])
        cap_keys = [new_user_cap.build_cache_key(each) for each in ids]
        pipeline.mget(cap_keys)
        *counted, versions, totals = await pipeline.execute()
        for key, reply in zip(counts, counted, strict=True):
            cache_counters.read_total(key, reply)
        new_user_cap.store_polled_totals(dict(zip(cap_keys, totals, strict=True)))
        for optimization_id, data in zip(ids, versions, strict=True):
            version = snapshot_cache.parse_version(data)
            if version is None or snapshot_memory.is_newer_copy(
                optimization_id, version
            ):
                # The cache lost what was published: the look-up publishes it again.
                snapshot_memory.start_lookup(optimization_id)
            elif snapshot_memory.is_older_copy(optimization_id, version):
                await _load_copy(optimization_id, version)


async def _load_copy(optimization_id: str, version: int) -> None:
    key = snapshot_cache.build_content_key(optimization_id)
    (data,) = await async_redis.get_client().mget([key])
    snapshot = snapshot_cache.parse_snapshot(data, optimization_id)
    if snapshot is None or snapshot.version < version:
        snapshot_memory.start_lookup(optimization_id, republishes=True)
    else:
        snapshot_memory.put_copy(optimization_id, snapshot)


async def _compare_with_database(ids: Sequence[str]) -> None:
    """Look up each optimization whose state in the database is another, or that is gone.

    The database's is also right where it is older: the cache held what nobody published.
    """
    try:
        versions = await asyncio.wait_for(
            asyncio.wrap_future(
                database_timeout.start_in_thread(snapshot_loader.query_versions, ids)
            ),
            database_timeout.MAX_WAIT_SECONDS,
        )
    except (DatabaseError, TimeoutError, UnavailableError) as error:
        log.warning("snapshots.database_away", error=str(error))
        return
    for optimization_id in ids:
        version = versions.get(optimization_id)
        if version is None or not snapshot_memory.has_version(optimization_id, version):
            snapshot_memory.start_lookup(optimization_id)


poller = SnapshotPoller()
