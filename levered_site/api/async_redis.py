"""The Redis client of the event loop."""

import functools

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


@functools.cache
def get_client() -> redis.asyncio.Redis:
    """Return the client of this process: 0.25 s, one retry. Use it in one loop only."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 1),
    )
