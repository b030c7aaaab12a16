"""Snapshots in the cache that all processes share: their keys and what is written there."""

import re

import structlog

from levered_site.api import rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from optimizations.serving import snapshot_bytes
from optimizations.serving.snapshot import Snapshot

log = structlog.get_logger(__name__)

CACHE_TTL_SECONDS = 7 * 86_400  # a process that misses an expired key publishes again

# As many digits as a version of the database may have.
VERSION_PATTERN = re.compile(rb"[0-9]{1,18}")

# The cached version never decreases: of two publishers the newer state wins. What
# `parse_version` does not read is replaced, and so is the version that the database
# disproved (ARGV[4]), unless another one has taken its place.
PUBLISH_SCRIPT = """
local reply = redis.pcall('GET', KEYS[1])
local text = type(reply) == 'string' and reply or ''
local cached = -1
if #text <= 18 and string.match(text, '^%d+$') then cached = tonumber(text) end
if text ~= ARGV[4] and tonumber(ARGV[1]) < cached then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
"""


def build_version_key(optimization_id: str) -> str:
    """Return the cache key that holds the number of the newest version."""
    return f"levered:snapshot:{optimization_id}:version"


def build_content_key(optimization_id: str) -> str:
    """Return the cache key that holds the newest snapshot."""
    return f"levered:snapshot:{optimization_id}"


def read_snapshot(optimization_id: str) -> Snapshot | None:
    """Return what the cache holds; None if it is missing or malformed, or it is away."""
    key = build_content_key(optimization_id)
    try:
        # MGET also answers where others wrote a list or a set; GET would fail.
        (data,) = rate_limits.get_redis_client().mget([key])
    except CACHE_ERRORS:
        return None
    return parse_snapshot(data, optimization_id)


def parse_snapshot(data: object, optimization_id: str) -> Snapshot | None:
    """Return the snapshot of a value of the cache; None if it is missing or malformed.

    What is malformed is logged. The caller asks the database and publishes again.
    """
    if not isinstance(data, bytes):
        return None
    try:
        snapshot = snapshot_bytes.parse_snapshot_bytes(data)
    except (ValueError, TypeError) as error:
        log.warning(
            "snapshot.malformed", optimization_id=optimization_id, error=str(error)
        )
        return None
    if snapshot.optimization_id != optimization_id:
        log.warning("snapshot.misplaced", optimization_id=optimization_id)
        return None
    return snapshot


def parse_version(data: object) -> int | None:
    """Return the version of a value of the cache; None if it is missing or no number.

    What others wrote there must not fail a request, and a publish replaces it.
    """
    if not isinstance(data, bytes) or not VERSION_PATTERN.fullmatch(data):
        return None
    return int(data)


def remove_snapshot(optimization_id: str) -> None:
    """Remove a deleted optimization from the cache."""
    try:
        rate_limits.get_redis_client().delete(
            build_version_key(optimization_id), build_content_key(optimization_id)
        )
    except CACHE_ERRORS as error:
        log.warning("snapshot.unpublished", error=str(error))


def read_version(optimization_id: str) -> bytes | None:
    """Return the stored text of the newest version, empty without one.

    None while the cache is away.
    """
    try:
        (data,) = rate_limits.get_redis_client().mget(
            [build_version_key(optimization_id)]
        )
    except CACHE_ERRORS:
        return None
    return data if isinstance(data, bytes) else b""


def write_snapshot(snapshot: Snapshot, *, disproved_version: bytes = b"") -> None:
    """Write a state to the cache, unless a newer one is there.

    `disproved_version` is the text of a version that was read before the database was
    asked, whose answer was older: nobody has published it.
    """
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
            disproved_version,
        )
    except CACHE_ERRORS as error:
        log.warning("snapshot.unpublished", optimization_id=key, error=str(error))


def correct_cache(
    snapshot: Snapshot, cached_version: bytes | None, *, republishes: bool = False
) -> None:
    """Publish a state of the database where the cache holds another one or none.

    `cached_version` is what `read_version` returned before the database was asked. A
    publish follows its commit, so a higher one is not from us. With `republishes` the
    content is written even under the right version.
    """
    if cached_version is None:
        return  # without the cache there is nothing to publish to
    number = parse_version(cached_version)
    if number == snapshot.version and not republishes:
        return
    is_malformed = number is None and cached_version != b""
    is_disproved = number is not None and number > snapshot.version
    if is_malformed or is_disproved:
        log.warning(
            "snapshot.version_disproved",
            optimization_id=snapshot.optimization_id,
            cached_version=repr(cached_version[:20]),
            version=snapshot.version,
        )
    write_snapshot(snapshot, disproved_version=cached_version if is_disproved else b"")
