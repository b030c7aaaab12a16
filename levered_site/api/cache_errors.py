"""What the client of Redis or Valkey raises while the server is away."""

from redis.exceptions import ChildDeadlockedError, RedisError

# Catch all of them around every use of the cache: no request may fail with it.
CACHE_ERRORS = (RedisError, OSError, ChildDeadlockedError)
