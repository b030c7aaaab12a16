"""Snapshots in the cache that all processes share: their keys and what is written there."""

import re

import structlog

from levered_site.api import rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from optimizations.serving.snapshot import Snapshot

log = structlog.get_logger(__name__)

CACHE_TTL_SECONDS = 7 * 86_400  # a process that misses an expired key publishes again

# As many digits as a version of the database may have.
VERSION_PATTERN = re.compile(rb"[0-9]{1,18}")

# The cached version never decreases: of two publishers the newer state wins. What
# `parse_version` does not read is replaced.
PUBLISH_SCRIPT = """
local text = redis.call('GET', KEYS[1]) or ''
local cached = -1
if #text <= 18 and string.match(text, '^%d+$') then cached = tonumber(text) end
if tonumber(ARGV[1]) < cached then return 0 end
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
    """Return what the cache holds; None if it is missing or unreadable, or it is away."""
    try:
        data = rate_limits.get_redis_client().get(build_content_key(optimization_id))
    except CACHE_ERRORS:
        return None
    return parse_snapshot(data)


def parse_snapshot(data: object) -> Snapshot | None:
    """Return the snapshot of a value of the cache; None if it is no snapshot of ours."""
    if not isinstance(data, bytes):
        return None
    try:
        return Snapshot.from_bytes(data)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None  # what others wrote there may be any JSON, or none


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


def is_published(snapshot: Snapshot) -> bool:
    """Return whether the cache has this state or a newer one, or is away."""
    try:
        version = rate_limits.get_redis_client().get(
            build_version_key(snapshot.optimization_id)
        )
    except CACHE_ERRORS:
        return True  # without the cache there is nothing to publish to
    number = parse_version(version)
    return number is not None and number >= snapshot.version


def write_snapshot(snapshot: Snapshot) -> None:
    """Write a state to the cache, unless a newer one is there."""
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
