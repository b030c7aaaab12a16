"""Published state of optimizations: process memory, then the cache, then the database."""

import os
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Lock
from uuid import UUID

import redis
import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from levered_site.api import rate_limits
from levered_site.errors import NotFoundError, UnavailableError
from optimizations.models import Optimization
from optimizations.serving import database_timeout, snapshot_loader
from optimizations.serving.snapshot import Snapshot

log = structlog.get_logger(__name__)

UNCACHED_RECHECK_SECONDS = (
    1.0  # seconds between questions to the database when the cache is away
)
BACKGROUND_RECHECK_SECONDS = (
    2.0  # after this a copy is compared with the database, beside a request
)
BLOCKING_RECHECK_SECONDS = (
    5.0  # after this the request waits for it: a lost publish lives no longer
)
CACHE_TTL_SECONDS = 7 * 86_400  # seconds; whoever misses it publishes again
MAX_CACHED_SNAPSHOTS = 5000  # ids; also bounds what invented ids can occupy

# Publishing never goes back: of two publishers the one with the newer state wins.
PUBLISH_SCRIPT = """
local known = tonumber(redis.call('GET', KEYS[1]) or '-1')
if tonumber(ARGV[1]) < known then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class _CachedSnapshot:
    """A copy in this process; None for an id that nothing has. `at` is monotonic."""

    snapshot: Snapshot | None
    at: float

    def require_snapshot(self) -> Snapshot:
        if self.snapshot is None:
            raise NotFoundError("No such optimization.")
        return self.snapshot

    def age(self) -> float:
        return time.monotonic() - self.at


class _SnapshotCache:
    """The copies of this process, and which of them are being looked up."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a fork must: nobody there answers what was asked."""
        self._lock = Lock()
        self._held: OrderedDict[str, _CachedSnapshot] = OrderedDict()
        self._asked: dict[str, Future[_CachedSnapshot]] = {}

    def get(self, key: str) -> _CachedSnapshot | None:
        return self._held.get(key)

    def put(self, key: str, snapshot: Snapshot | None) -> _CachedSnapshot:
        held = _CachedSnapshot(snapshot, time.monotonic())
        with self._lock:
            self._held[key] = held
            self._held.move_to_end(key)
            while len(self._held) > MAX_CACHED_SNAPSHOTS:
                self._held.popitem(last=False)
        return held

    def start_lookup(self, key: str) -> "Future[_CachedSnapshot]":
        """Ask the database, once however many want to know."""
        with self._lock:
            asked = self._asked.get(key)
            if asked is not None and not asked.done():
                return asked
            asked = self._asked[key] = database_timeout.start_in_thread(
                self._load_and_publish, key
            )
        # Not under the lock: an answer that is there already is told at once, here.
        asked.add_done_callback(partial(self._remove_lookup, key))
        return asked

    def _remove_lookup(self, key: str, answered: "Future[_CachedSnapshot]") -> None:
        with self._lock:
            if self._asked.get(key) is answered:
                del self._asked[key]

    def _load_and_publish(self, key: str) -> _CachedSnapshot:
        held = self.put(key, snapshot_loader.query_snapshot(key))
        if held.snapshot is not None and not _is_published(held.snapshot):
            _write_to_cache(held.snapshot)
        return held


_snapshot_cache = _SnapshotCache()
os.register_at_fork(after_in_child=_snapshot_cache.reset)


def build_version_key(optimization_id: str) -> str:
    """Name the cache key whose number says which state is the newest."""
    return f"levered:snapshot:{optimization_id}:version"


def _build_content_key(optimization_id: str) -> str:
    return f"levered:snapshot:{optimization_id}"


def load_snapshot(optimization_id: str, newest: bytes | None) -> Snapshot:
    """Return the newest snapshot; `newest` is what the cache holds at `version_key`.

    None (no such key, or the cache is away) asks the database, at most once a second.
    Raises NotFoundError for an unknown or deleted id; UnavailableError when no copy is at hand
    and the database does not answer.
    """
    held = _snapshot_cache.get(optimization_id)
    if newest is None:
        if held is not None and held.age() < UNCACHED_RECHECK_SECONDS:
            return held.require_snapshot()
        return _await_lookup(optimization_id, held)
    version = int(newest)
    if held is None or held.snapshot is None or held.snapshot.version < version:
        held = _load_from_cache(optimization_id, version)
        return held.require_snapshot() if held else _await_lookup(optimization_id, None)
    if held.age() > BLOCKING_RECHECK_SECONDS:
        return _await_lookup(optimization_id, held)
    if held.age() > BACKGROUND_RECHECK_SECONDS:
        _snapshot_cache.start_lookup(optimization_id)
    return held.require_snapshot()


def _await_lookup(optimization_id: str, held: _CachedSnapshot | None) -> Snapshot:
    """Ask the database; a copy at hand answers when the database does not."""
    try:
        return database_timeout.await_result(
            _snapshot_cache.start_lookup(optimization_id)
        ).require_snapshot()
    except (DatabaseError, UnavailableError) as error:
        if held is None:
            raise UnavailableError(
                database_timeout.DATABASE_AWAY_MESSAGE, retry_after=1
            ) from error
        log.warning("snapshot.stale", optimization_id=optimization_id)
        return held.require_snapshot()


def _load_from_cache(optimization_id: str, version: int) -> _CachedSnapshot | None:
    try:
        data = rate_limits.get_redis_client().get(_build_content_key(optimization_id))
    except (redis.RedisError, OSError):
        return None
    if not isinstance(data, bytes):
        return None
    try:
        snapshot = Snapshot.from_bytes(data)
    except ValueError:
        return None
    if snapshot.version < version:
        return None
    return _snapshot_cache.put(optimization_id, snapshot)


def publish_on_commit(optimization_id: UUID) -> None:
    """Say, inside the transaction, that serving must see a change of it.

    Grows snapshot_version and publishes on commit. A publish that gets lost (a killed
    process, a cache away) heals by comparison with the database within MUST_LOOK.
    """
    Optimization.objects.filter(pk=optimization_id).update(
        snapshot_version=F("snapshot_version") + 1
    )
    transaction.on_commit(partial(publish_snapshot, str(optimization_id)), robust=True)


def publish_snapshot(optimization_id: str) -> None:
    """Put what the database holds into the cache, so that every process sees it."""
    snapshot = snapshot_loader.query_snapshot(optimization_id)
    if snapshot is None:
        remove_snapshot(optimization_id)
    else:
        _write_to_cache(snapshot)


def remove_snapshot(optimization_id: str) -> None:
    """Take a deleted optimization out of the cache."""
    try:
        rate_limits.get_redis_client().delete(
            build_version_key(optimization_id), _build_content_key(optimization_id)
        )
    except (redis.RedisError, OSError) as error:
        log.warning("snapshot.unpublished", error=str(error))


def _is_published(snapshot: Snapshot) -> bool:
    try:
        known = rate_limits.get_redis_client().get(
            build_version_key(snapshot.optimization_id)
        )
    except (redis.RedisError, OSError):
        return True  # nobody to publish to
    return known is not None and int(known) >= snapshot.version


def _write_to_cache(snapshot: Snapshot) -> None:
    key = snapshot.optimization_id
    try:
        rate_limits.get_redis_client().eval(
            PUBLISH_SCRIPT,
            2,
            build_version_key(key),
            _build_content_key(key),
            str(snapshot.version),
            snapshot.to_bytes(),
            str(CACHE_TTL_SECONDS),
        )
    except (redis.RedisError, OSError) as error:
        log.warning("snapshot.unpublished", optimization_id=key, error=str(error))
