"""What the Redis client raises when the cache is away."""

import redis

CACHE_ERRORS = (redis.RedisError, OSError)
