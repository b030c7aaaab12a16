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

from levered_site.api import ratelimits
from levered_site.errors import NotFoundError, UnavailableError
from optimizations.models import Optimization
from optimizations.serving import database_timeout, snapshot_loader
from optimizations.serving.snapshot import Snapshot

log = structlog.get_logger(__name__)

WITHOUT_CACHE = 1.0  # seconds between questions to the database when the cache is away
LOOK_AGAIN = 2.0  # after this a copy is compared with the database, beside a request
MUST_LOOK = 5.0  # after this the request waits for it: a lost publish lives no longer
KEPT_IN_CACHE = 7 * 86_400  # seconds; whoever misses it publishes again
KEPT_IN_MEMORY = 5000  # ids; also bounds what invented ids can occupy

# Publishing never goes back: of two publishers the one with the newer state wins.
PUBLISH = """
local known = tonumber(redis.call('GET', KEYS[1]) or '-1')
if tonumber(ARGV[1]) < known then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class _Held:
    """A copy in this process; None for an id that nothing has. `at` is monotonic."""

    snapshot: Snapshot | None
    at: float

    def found(self) -> Snapshot:
        if self.snapshot is None:
            raise NotFoundError("No such optimization.")
        return self.snapshot

    def age(self) -> float:
        return time.monotonic() - self.at


class _Memory:
    """The copies of this process, and which of them are being looked up."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a fork must: nobody there answers what was asked."""
        self._lock = Lock()
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._asked: dict[str, Future[_Held]] = {}

    def get(self, key: str) -> _Held | None:
        return self._held.get(key)

    def put(self, key: str, snapshot: Snapshot | None) -> _Held:
        held = _Held(snapshot, time.monotonic())
        with self._lock:
            self._held[key] = held
            self._held.move_to_end(key)
            while len(self._held) > KEPT_IN_MEMORY:
                self._held.popitem(last=False)
        return held

    def look_up(self, key: str) -> "Future[_Held]":
        """Ask the database, once however many want to know."""
        with self._lock:
            asked = self._asked.get(key)
            if asked is not None and not asked.done():
                return asked
            asked = self._asked[key] = database_timeout.begin(self._from_database, key)
        # Not under the lock: an answer that is there already is told at once, here.
        asked.add_done_callback(partial(self._answered, key))
        return asked

    def _answered(self, key: str, answered: "Future[_Held]") -> None:
        with self._lock:
            if self._asked.get(key) is answered:
                del self._asked[key]

    def _from_database(self, key: str) -> _Held:
        held = self.put(key, snapshot_loader.load(key))
        if held.snapshot is not None and not _is_published(held.snapshot):
            _publish(held.snapshot)
        return held


_memory = _Memory()
os.register_at_fork(after_in_child=_memory.reset)


def version_key(optimization_id: str) -> str:
    """Name the cache key whose number says which state is the newest."""
    return f"levered:snapshot:{optimization_id}:version"


def _content_key(optimization_id: str) -> str:
    return f"levered:snapshot:{optimization_id}"


def fetch(optimization_id: str, newest: bytes | None) -> Snapshot:
    """Return the newest snapshot; `newest` is what the cache holds at `version_key`.

    None (no such key, or the cache is away) asks the database, at most once a second.
    Raises NotFoundError for an unknown or deleted id; UnavailableError when no copy is at hand
    and the database does not answer.
    """
    held = _memory.get(optimization_id)
    if newest is None:
        if held is not None and held.age() < WITHOUT_CACHE:
            return held.found()
        return _looked_up(optimization_id, held)
    version = int(newest)
    if held is None or held.snapshot is None or held.snapshot.version < version:
        held = _from_cache(optimization_id, version)
        return held.found() if held else _looked_up(optimization_id, None)
    if held.age() > MUST_LOOK:
        return _looked_up(optimization_id, held)
    if held.age() > LOOK_AGAIN:
        _memory.look_up(optimization_id)
    return held.found()


def _looked_up(optimization_id: str, held: _Held | None) -> Snapshot:
    """Ask the database; a copy at hand answers when the database does not."""
    try:
        return database_timeout.await_answer(_memory.look_up(optimization_id)).found()
    except (DatabaseError, UnavailableError) as error:
        if held is None:
            raise UnavailableError(database_timeout.AWAY, retry_after=1) from error
        log.warning("snapshot.stale", optimization_id=optimization_id)
        return held.found()


def _from_cache(optimization_id: str, version: int) -> _Held | None:
    try:
        data = ratelimits.client().get(_content_key(optimization_id))
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
    return _memory.put(optimization_id, snapshot)


def changed(optimization_id: UUID) -> None:
    """Say, inside the transaction, that serving must see a change of it.

    Grows snapshot_version and publishes on commit. A publish that gets lost (a killed
    process, a cache away) heals by comparison with the database within MUST_LOOK.
    """
    Optimization.objects.filter(pk=optimization_id).update(
        snapshot_version=F("snapshot_version") + 1
    )
    transaction.on_commit(partial(publish, str(optimization_id)), robust=True)


def publish(optimization_id: str) -> None:
    """Put what the database holds into the cache, so that every process sees it."""
    snapshot = snapshot_loader.load(optimization_id)
    if snapshot is None:
        forget(optimization_id)
    else:
        _publish(snapshot)


def forget(optimization_id: str) -> None:
    """Take a deleted optimization out of the cache."""
    try:
        ratelimits.client().delete(
            version_key(optimization_id), _content_key(optimization_id)
        )
    except (redis.RedisError, OSError) as error:
        log.warning("snapshot.unpublished", error=str(error))


def _is_published(snapshot: Snapshot) -> bool:
    try:
        known = ratelimits.client().get(version_key(snapshot.optimization_id))
    except (redis.RedisError, OSError):
        return True  # nobody to publish to
    return known is not None and int(known) >= snapshot.version


def _publish(snapshot: Snapshot) -> None:
    key = snapshot.optimization_id
    try:
        ratelimits.client().eval(
            PUBLISH,
            2,
            version_key(key),
            _content_key(key),
            str(snapshot.version),
            snapshot.to_bytes(),
            str(KEPT_IN_CACHE),
        )
    except (redis.RedisError, OSError) as error:
        log.warning("snapshot.unpublished", optimization_id=key, error=str(error))
